package keystore

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// The secrets file, integers little-endian:
//
//	bytes  what
//	   16  magic, with a line end that a text-mode copy would change
//	   12  argon2id: passes, memory in KiB, threads (RFC 9106)
//	   16  argon2id: salt
//	   16  check: what the right passphrase derives beside the key
//	   24  nonce
//	  any  XChaCha20-Poly1305 of a JSON object of values in base64; all of the
//	       above is its associated data
//	   32  SHA-256 of all of the above
//
// The last sum tells a damaged file from a wrong passphrase: without it a flipped
// bit in the salt would look like one. The check also commits to the passphrase,
// which the cipher alone does not.
const (
	magic     = "fcc-secrets v1\r\n"
	saltSize  = 16
	checkSize = 16

	recipeEnd = len(magic) + 12 + saltSize
	checkEnd  = recipeEnd + checkSize
	headerEnd = checkEnd + chacha20poly1305.NonceSizeX
	smallest  = headerEnd + chacha20poly1305.Overhead + sha256.Size

	// maxFile keeps a foreign file from being read into memory: some 300 values
	// of MaxSize.
	maxFile = 1 << 20
)

// A cost is what one guess of the passphrase takes. It stands in the file, so
// that the file opens on a machine with other processors too.
type cost struct {
	Passes  uint32
	Memory  uint32 // KiB
	Threads uint32
}

// standard is the second recommended option of RFC 9106 section 4.
var standard = cost{Passes: 3, Memory: 64 << 10, Threads: 4}

// sane bounds what a file can make us spend: it may not be ours.
func (c cost) sane() bool {
	return 1 <= c.Passes && c.Passes <= 16 &&
		1 <= c.Threads && c.Threads <= 16 &&
		8*c.Threads <= c.Memory && c.Memory <= 256<<10
}

// A recipe and a passphrase give a key.
type recipe struct {
	cost
	Salt [saltSize]byte
}

func newRecipe(c cost) recipe {
	r := recipe{cost: c}
	_, _ = rand.Read(r.Salt[:]) // never fails: crypto/rand ends the program instead
	return r
}

type key struct {
	recipe
	check  [checkSize]byte
	cipher cipher.AEAD
}

// derive takes 64 MiB and a tenth of a second or more. The memory goes back to
// the system at once: the program idles for days in a fraction of it.
func derive(passphrase Secret, r recipe) (*key, error) {
	defer debug.FreeOSMemory()
	// Two parts of one output that do not tell anything about each other.
	out := argon2.IDKey([]byte(passphrase.Reveal()), r.Salt[:], r.Passes, r.Memory, uint8(r.Threads),
		chacha20poly1305.KeySize+checkSize)
	aead, err := chacha20poly1305.NewX(out[:chacha20poly1305.KeySize])
	if err != nil {
		return nil, err
	}
	return &key{recipe: r, check: [checkSize]byte(out[chacha20poly1305.KeySize:]), cipher: aead}, nil
}

// seal encrypts values as a whole file.
func (k *key) seal(values map[string][]byte) ([]byte, error) {
	plain, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	file := bytes.NewBuffer(make([]byte, 0, smallest+len(plain)))
	file.WriteString(magic)
	_ = binary.Write(file, binary.LittleEndian, k.recipe) // a Buffer takes everything
	file.Write(k.check[:])
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce)
	file.Write(nonce)
	header := file.Bytes()
	data := k.cipher.Seal(header, nonce, plain, header)
	sum := sha256.Sum256(data)
	return append(data, sum[:]...), nil
}

// A sealed file is one that is whole. It is not known yet who wrote it.
type sealed struct {
	recipe recipe
	check  [checkSize]byte
	header []byte
	box    []byte
}

// parse takes a file apart. It fails with ErrDamaged only.
func parse(data []byte) (sealed, error) {
	if !bytes.HasPrefix(data, []byte(magic)) {
		return sealed{}, fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	}
	if len(data) < smallest {
		return sealed{}, fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	body, want := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], want) {
		return sealed{}, fmt.Errorf("%w: its checksum differs", ErrDamaged)
	}
	s := sealed{
		check:  [checkSize]byte(body[recipeEnd:checkEnd]),
		header: body[:headerEnd],
		box:    body[headerEnd:],
	}
	_, _ = binary.Decode(body[len(magic):recipeEnd], binary.LittleEndian, &s.recipe) // the length is right
	if !s.recipe.sane() {
		return sealed{}, fmt.Errorf("%w: its key derivation is out of bounds", ErrDamaged)
	}
	return s, nil
}

// open decrypts s with a key that was derived by its recipe.
func (s sealed) open(k *key) (map[string][]byte, error) {
	if subtle.ConstantTimeCompare(s.check[:], k.check[:]) != 1 {
		return nil, ErrPassphrase
	}
	plain, err := k.cipher.Open(nil, s.header[checkEnd:], s.box, s.header)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	values := map[string][]byte{}
	if err := json.Unmarshal(plain, &values); err != nil || values == nil {
		return nil, fmt.Errorf("%w: its inside is not a list of values", ErrDamaged)
	}
	return values, nil
}
