package xerosim

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/http"
)

// mostFiller bounds the content of one file, in bytes.
const mostFiller = 1 << 30

// Filler is content of any size for files that no test keeps: what it holds comes
// from seed alone and differs from one byte to the next. The simulated Xero takes
// other content up to Xero's limit of a request (10 MB) and keeps it. Of a Filler,
// which names itself and its seed at its start, it keeps seed and size, checks every
// byte as it comes, and makes them again for who asks: a file of 100 MB costs no
// memory.
func Filler(seed uint64, size int64) *io.SectionReader {
	return io.NewSectionReader(filler(seed), 0, size)
}

type filler uint64

// fillerHead is the length of what names a Filler: fillerName, and its seed.
const (
	fillerName = "\x00filler\xff"
	fillerHead = len(fillerName) + 8
)

// ReadAt reads content, which has no end, in blocks by their number.
func (f filler) ReadAt(p []byte, off int64) (int, error) {
	var block [4096]byte
	for n := 0; n < len(p); {
		at := off + int64(n)
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], uint64(f))
		binary.LittleEndian.PutUint64(key[8:], uint64(at)/uint64(len(block)))
		_, _ = rand.NewChaCha8(key).Read(block[:]) // never fails
		if at < int64(len(block)) {
			copy(block[:], fillerName)
			binary.LittleEndian.PutUint64(block[len(fillerName):], uint64(f))
		}
		n += copy(p[n:], block[at%int64(len(block)):])
	}
	return len(p), nil
}

// receive reads what a file is to hold.
func receive(body io.Reader) (*io.SectionReader, error) {
	head := make([]byte, fillerHead)
	n, err := io.ReadFull(body, head)
	head = head[:n]
	if err == nil && string(head[:len(fillerName)]) == fillerName {
		return filler(binary.LittleEndian.Uint64(head[len(fillerName):])).receive(body)
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, badData("the request ended early")
	}
	rest, err := io.ReadAll(io.LimitReader(body, mostBody+1-int64(n)))
	switch {
	case err != nil:
		return nil, badData("the request ended early")
	case n+len(rest) > mostBody:
		return nil, errTooLarge
	}
	return io.NewSectionReader(bytes.NewReader(append(head, rest...)), 0, int64(n+len(rest))), nil
}

// receive checks the rest of a Filler.
func (f filler) receive(body io.Reader) (*io.SectionReader, error) {
	got, want := make([]byte, 32<<10), make([]byte, 32<<10)
	size := int64(fillerHead)
	for {
		n, err := io.ReadFull(body, got)
		_, _ = f.ReadAt(want[:n], size) // never fails
		if !bytes.Equal(got[:n], want[:n]) {
			return nil, badData("a filler was changed on its way")
		}
		switch size += int64(n); {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return Filler(uint64(f), size), nil
		case err != nil:
			return nil, badData("the request ended early")
		case size > mostFiller:
			return nil, errTooLarge
		}
	}
}

var errTooLarge = &apiError{status: http.StatusRequestEntityTooLarge, kind: "text/plain; charset=utf-8", body: "Request Entity Too Large"}
