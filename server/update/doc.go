// Package update looks for a newer version of FCC and fetches its installer. It
// starts nothing by itself: a person who is offered the new version decides.
//
// # What is published
//
// At one address lies one file. Its first line is an Ed25519 signature in base64
// (RFC 8032, RFC 4648 section 4); all after that line is the manifest, JSON, and is
// what is signed, byte for byte, after a line that says what it is for. One file,
// so that nobody meets a new manifest with an old signature:
//
//	s0meBase64…==
//	{
//	  "version": "1.3.0",
//	  "notes": "Reports open twice as fast.",
//	  "page": "https://example.com/download",
//	  "files": {"windows/amd64": {"name": "FCC-Setup-1.3.0.exe", "size": 9123456, "sha256": "…"}}
//	}
//
// The installers lie beside it. Address and public key are set when FCC is linked;
// without them nothing here is ever used. To make the file:
//
//	openssl genpkey -algorithm ed25519 -out update.pem    # once; keep it off the network
//	go run ./build sign-update --key update.pem --version 1.3.0 --notes "…" \
//	    --page https://example.com/download windows/amd64=dist/FCC-Setup-1.3.0.exe >dist/update
//
// which also prints the public key. The package command takes it, and the address,
// from FCC_UPDATE_KEY and FCC_UPDATE_ADDRESS, and links the programs with both
// (-ldflags "-X main.updateAddress=… -X main.updateKey=…").
//
// # What is trusted
//
// The signature alone; it is checked before anything else is read. A version that
// is not newer than this program, or older than the newest that was ever seen, is
// refused: who can answer in the publisher's place can hold a new version back, and
// no more. So a version cannot be withdrawn but by a higher one. The address and
// all it leads to is https (plain http on this computer, for tests); a redirect to
// another host is not followed. An installer is read no further than its size,
// hashed as it comes, has its name only when it was right, and is hashed once more
// when it is started, while nobody else can write it.
//
// Nothing about the person or the computer is sent: no cookie, no ETag, an
// User-Agent of program and version.
package update
