package server

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/xero"
)

// What the Python program (github.com/KhanSayeem/Financial-Command-Center-AI) left
// in the folder it ran from, and in the one of its settings, which on Windows is
// FCC's data folder:
//
//   - tokens/xero_token.json, in the clear: {"token": {…}, "tenant_id", "client_id",
//     "client_secret"} of xero_client.py, or the token's fields alone;
//   - config/debug_token.json, while it debugged: the same fields, of which only the
//     access token is masked;
//   - .env with client id and secret, and secure_config/ with both, encrypted with a
//     key that lies beside it: these hold what other programs may need, and are only
//     named.
//
// config/flask_secret.key is secret.go's.
var (
	oldTokenFile  = filepath.Join("tokens", "xero_token.json")
	oldDebugFile  = filepath.Join("config", "debug_token.json")
	oldOtherFiles = []string{".env", filepath.Join("secure_config", "config.enc")}
)

// oldFileLimit is many times what a token file can be.
const oldFileLimit = 256 << 10

// An OldSignIn is what an older Financial Command Center left. Nothing of its
// secrets can be printed.
type OldSignIn struct {
	Files  []string // that hold a sign-in in the clear; deleted on consent
	Others []string // that hold other secrets of it, which FCC leaves alone
	Wrong  string   // why none of it can be taken over; a sentence, "" when one can

	found []oldFile // Files, each with what it holds
}

// An oldFile holds one sign-in, or something in its place.
type oldFile struct {
	folder, path string
	grant        xero.OldGrant
	wrong        string // why it cannot be taken over
}

// FindOldSignIn looks into the folders where an older program may have been. It
// reports whether there is a sign-in in the clear. Several folders may hold those of
// several people.
func FindOldSignIn(folders []string) (OldSignIn, bool) {
	var old OldSignIn
	for _, folder := range folders {
		before := len(old.Files)
		for _, name := range []string{oldTokenFile, oldDebugFile} {
			f := oldFile{folder: folder, path: filepath.Join(folder, name)}
			var there bool
			if f.grant, f.wrong, there = readOldToken(f.path, folder); there {
				old.Files, old.found = append(old.Files, f.path), append(old.found, f)
			}
		}
		for _, name := range oldOtherFiles {
			if path := filepath.Join(folder, name); len(old.Files) > before && isFile(path) {
				old.Others = append(old.Others, path)
			}
		}
	}
	if len(old.found) > 0 && !slices.ContainsFunc(old.found, func(f oldFile) bool { return f.wrong == "" }) {
		old.Wrong = old.found[0].wrong
	}
	return old, len(old.found) > 0
}

// Mark tells what was found from what is found at another time.
func (o OldSignIn) Mark() string {
	sum := sha256.New()
	for _, f := range o.found {
		fmt.Fprintf(sum, "%q %q\n", f.path, f.grant.RefreshToken.Reveal())
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

func isFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// deleteOld removes the files, each as long as it holds what was found: a program
// that still writes it is still running. It returns those that are left.
func deleteOld(files []oldFile) (left []string, err error) {
	for _, f := range files {
		gone := errOldChanged
		if now, _, there := readOldToken(f.path, f.folder); !there || now.RefreshToken.Equal(f.grant.RefreshToken) {
			gone = os.Remove(f.path)
		}
		if gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			left, err = append(left, f.path), errors.Join(err, gone)
			continue
		}
		_ = os.Remove(filepath.Dir(f.path)) // if that was all
	}
	return left, err
}

var errOldChanged = errors.New("the older program has written the file since")

// oldToken is what is read of a token file.
type oldToken struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
}

// readOldToken reads one file. wrong is why it cannot be taken over.
func readOldToken(path, folder string) (grant xero.OldGrant, wrong string, there bool) {
	if !isFile(path) {
		return grant, "", false
	}
	data, err := readAtMost(path, oldFileLimit)
	switch {
	case err != nil:
		return grant, words.Say("old.wrong.unreadable"), true
	case data == nil:
		return grant, words.Say("old.wrong.large"), true
	}
	var file struct {
		oldToken
		Token        *oldToken `json:"token"`
		ClientID     string    `json:"client_id"`
		ClientSecret string    `json:"client_secret"`
	}
	if json.Unmarshal(data, &file) != nil {
		return grant, words.Say("old.wrong.damaged"), true
	}
	token := file.oldToken
	if file.Token != nil {
		token = *file.Token
	}
	env, said := readOldEnv(filepath.Join(folder, ".env")), claimsOf(token.AccessToken)
	grant = xero.OldGrant{
		Issuer:       cmp.Or(said.Issuer, claimsOf(token.IDToken).Issuer),
		ClientID:     cmp.Or(file.ClientID, said.ClientID, env["XERO_CLIENT_ID"], env["CLIENT_ID"]),
		Secret:       keystore.NewSecret(cmp.Or(file.ClientSecret, env["XERO_CLIENT_SECRET"], env["CLIENT_SECRET"])),
		RefreshToken: keystore.NewSecret(token.RefreshToken), IDToken: keystore.NewSecret(token.IDToken),
	}
	switch {
	case grant.RefreshToken.IsZero():
		return grant, words.Say("old.wrong.no-token"), true
	case grant.ClientID == "":
		return grant, words.Say("old.wrong.no-app"), true
	}
	return grant, "", true
}

// readAtMost returns nil for what is larger.
func readAtMost(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil || int64(len(data)) > limit {
		return nil, err
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), nil // of Notepad
}

// oldClaims is what the tokens of Xero's say of where they come from.
type oldClaims struct {
	Issuer   string `json:"iss"`
	ClientID string `json:"client_id"`
}

// claimsOf reads a JWT without a look at its signature; what is none says nothing.
func claimsOf(token string) (claims oldClaims) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(data, &claims) != nil {
		return oldClaims{}
	}
	return claims
}

// readOldEnv reads NAME=value lines as python-dotenv does, as far as these go.
func readOldEnv(path string) map[string]string {
	values := map[string]string{}
	if !isFile(path) {
		return values
	}
	data, _ := readAtMost(path, oldFileLimit)
	for line := range strings.Lines(string(data)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		value = strings.TrimSpace(value)
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		if ok && !strings.HasPrefix(strings.ToLower(value), "your_") { // of the example
			values[strings.TrimSpace(name)] = value
		}
	}
	return values
}

// CheckOld says what an older program left, by names alone: nothing where it left
// nothing. startup names what starts it when its user signs in to the computer.
func CheckOld(found OldSignIn, startup []string) (list []Check) {
	if len(found.Files) > 0 {
		list = append(list, Check{
			Name: words.Say("old.check.name"), Status: FoundWarning,
			Found:  words.Say("old.check.left", "Files", strings.Join(found.Files, ", ")),
			Action: words.Say("old.check.left-action"),
			mend:   button{words.Say("old.check.left-button"), "/"},
		})
	}
	for _, name := range startup {
		list = append(list, Check{
			Name: words.Say("old.check.name"), Status: FoundWarning,
			Found:  words.Say("old.check.starts", "Name", name),
			Action: words.Say("old.check.starts-action"),
			mend:   lookAgain,
		})
	}
	return list
}
