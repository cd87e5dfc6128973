package server

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	Wrong  string   // why the sign-in cannot be taken over; a sentence, "" when it can

	grant xero.OldGrant
}

// FindOldSignIn looks into the folders where an older program may have been. It
// reports whether there is a sign-in in the clear.
func FindOldSignIn(folders []string) (OldSignIn, bool) {
	var found OldSignIn
	for _, folder := range folders {
		before := len(found.Files)
		for _, name := range []string{oldTokenFile, oldDebugFile} {
			path := filepath.Join(folder, name)
			grant, wrong, there := readOldToken(path, folder)
			if !there {
				continue
			}
			found.Files = append(found.Files, path)
			// The first that can be taken over counts, or else the first.
			if len(found.Files) == 1 || found.Wrong != "" && wrong == "" {
				found.grant, found.Wrong = grant, wrong
			}
		}
		for _, name := range oldOtherFiles {
			if path := filepath.Join(folder, name); len(found.Files) > before && isFile(path) {
				found.Others = append(found.Others, path)
			}
		}
	}
	return found, len(found.Files) > 0
}

func isFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// delete removes the files, as long as they hold what was found: a program that
// still writes them is still running. It returns those that are left.
func (o OldSignIn) delete(folders []string) (left []string, err error) {
	if now, there := FindOldSignIn(folders); there && !now.grant.RefreshToken.Equal(o.grant.RefreshToken) {
		return o.Files, errOldChanged
	}
	for _, path := range o.Files {
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			left, err = append(left, path), errors.Join(err, gone)
			continue
		}
		_ = os.Remove(filepath.Dir(path)) // if that was all
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
		return grant, "Its file cannot be read.", true
	case data == nil:
		return grant, "Its file is larger than any sign-in.", true
	}
	var file struct {
		oldToken
		Token        *oldToken `json:"token"`
		ClientID     string    `json:"client_id"`
		ClientSecret string    `json:"client_secret"`
	}
	if json.Unmarshal(data, &file) != nil {
		return grant, "Its file is damaged.", true
	}
	token := file.oldToken
	if file.Token != nil {
		token = *file.Token
	}
	env := readOldEnv(filepath.Join(folder, ".env"))
	grant = xero.OldGrant{
		ClientID:     cmp.Or(file.ClientID, clientOf(token.AccessToken), env["XERO_CLIENT_ID"], env["CLIENT_ID"]),
		Secret:       keystore.NewSecret(cmp.Or(file.ClientSecret, env["XERO_CLIENT_SECRET"], env["CLIENT_SECRET"])),
		RefreshToken: keystore.NewSecret(token.RefreshToken), IDToken: keystore.NewSecret(token.IDToken),
	}
	switch {
	case grant.RefreshToken.IsZero():
		return grant, "It cannot be renewed: its file holds no refresh token.", true
	case grant.ClientID == "":
		return grant, "Nothing says through which Xero app it was made.", true
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

// clientOf is the app that an access token of Xero's names.
func clientOf(accessToken string) string {
	_, rest, _ := strings.Cut(accessToken, ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		ClientID string `json:"client_id"`
	}
	if err != nil || json.Unmarshal(data, &claims) != nil {
		return ""
	}
	return claims.ClientID
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
func CheckOld(folders, startup []string) (list []Check) {
	if found, there := FindOldSignIn(folders); there {
		list = append(list, Check{
			Name: "Older program", Status: FoundWarning,
			Found:  "an older Financial Command Center left a sign-in, readable by every program of yours: " + strings.Join(found.Files, ", "),
			Action: "Open FCC's start page (fcc open) and take it over, or delete it there.",
		})
	}
	for _, name := range startup {
		list = append(list, Check{
			Name: "Older program", Status: FoundWarning,
			Found:  fmt.Sprintf("an older Financial Command Center starts when you sign in to this computer: %s", name),
			Action: "Turn that off, in Task Manager under Startup apps or wherever it was turned on: both programs want the same port.",
		})
	}
	return list
}
