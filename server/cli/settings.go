package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero"
)

const xeroAPI = "https://api.xero.com"

// settingFlags are the settings as flags. Nil: not given.
type settingFlags struct {
	Port     *string `group:"settings" placeholder:"N" help:"Port on this computer (FCC_PORT). Without it 8000, then 18000, then 28000: the ones to register with Xero. Given by hand it is the only one tried."`
	DataDir  *string `group:"settings" placeholder:"FOLDER" help:"Where FCC keeps its state and its log (FCC_DATA_DIR). One FCC runs per folder."`
	Keystore *string `group:"settings" placeholder:"KIND" help:"Where secrets are kept (FCC_KEYSTORE): os (the keychain), file (encrypted, with FCC_KEYSTORE_PASSPHRASE or FCC_KEYSTORE_PASSPHRASE_FILE) or memory (forgotten at the end). Without it os."`
	ClientID *string `name:"client-id" group:"settings" placeholder:"ID" help:"The client id of your Xero app (XERO_CLIENT_ID). Without it the setup page asks."`
	Scopes   *string `group:"settings" placeholder:"LIST" help:"What FCC asks Xero for, with spaces between (XERO_SCOPES). Without it: read what the dashboard shows."`
	Issuer   *string `group:"settings" placeholder:"URL" help:"Who signs people in (FCC_XERO_ISSUER). Without it ${issuer}."`
	API      *string `name:"api" group:"settings" placeholder:"URL" help:"Where the books are (FCC_XERO_API). Without it ${api}."`
	Debug    *bool   `group:"settings" help:"Answer the debug routes, log more (FCC_DEBUG=1)."`
}

// args are the flags as they were given.
func (f settingFlags) args() (args []string) {
	for _, one := range []struct {
		name  string
		value *string
	}{
		{"port", f.Port}, {"data-dir", f.DataDir}, {"keystore", f.Keystore}, {"client-id", f.ClientID}, {"scopes", f.Scopes}, {"issuer", f.Issuer}, {"api", f.API},
	} {
		if one.value != nil {
			args = append(args, "--"+one.name+"="+*one.value)
		}
	}
	if f.Debug != nil {
		args = append(args, "--debug="+strconv.FormatBool(*f.Debug))
	}
	return args
}

// settings are how FCC is to run: flag, else environment, else settings.json in
// the data folder, else the default.
type settings struct {
	port         int // 0: the first free one of server.RegisteredPorts
	lastPort     int // which of them it was at the last start; FCC writes it itself
	dataDir      string
	service      string // the keychain's service name, one per data folder
	keystore     string // os, file, memory
	clientID     string
	clientSecret keystore.Secret
	scopes       []string
	scopesGiven  bool // by flag or environment, which settings.json does not change
	issuer, api  string
	debug        bool
	// notifications are wanted, updates looked for. The menu turns them off, in
	// settings.json only.
	notifications, updates bool
	flaskSecret            keystore.Secret // the Python original's, taken over once

	// portFixed and keystoreFixed name the flag or variable that counts before what
	// settings.json says, "" without one.
	portFixed, keystoreFixed string

	damaged bool // settings.json is there and no JSON object
}

// environ looks up an environment variable. An empty one counts as unset.
type environ func(string) string

// readSettings finds every setting and checks it. It reads nothing but
// settings.json, and changes nothing.
func readSettings(f settingFlags, env environ) (settings, error) {
	s := settings{}
	var err error
	if s.dataDir, s.service, err = dataFolder(f, env); err != nil {
		return s, err
	}
	file, err := s.saved()
	if errors.Is(err, errDamaged) {
		s.damaged = true
	} else if err != nil {
		return s, failf(exitUsage, "The settings in %s cannot be read: %v.", s.settingsFile(), err)
	}

	find := func(flag *string, flagName, envName, fileName, byDefault string) found {
		switch {
		case flag != nil:
			return found{*flag, "--" + flagName}
		case env(envName) != "":
			return found{env(envName), envName}
		case file[fileName] != "":
			return found{file[fileName], fileName + " in " + s.settingsFile()}
		}
		return found{byDefault, "the default"}
	}
	var debug *string
	if f.Debug != nil {
		debug = new(strconv.FormatBool(*f.Debug))
	}

	var errs [9]error
	s.port, errs[0] = find(f.Port, "port", "FCC_PORT", "port", "").port()
	s.keystore, errs[1] = find(f.Keystore, "keystore", "FCC_KEYSTORE", "keystore", "os").oneOf("os", "file", "memory")
	s.issuer, errs[2] = find(f.Issuer, "issuer", "FCC_XERO_ISSUER", "issuer", xero.XeroIssuer).address()
	s.api, errs[3] = find(f.API, "api", "FCC_XERO_API", "api", xeroAPI).address()
	s.clientID, errs[4] = find(f.ClientID, "client-id", "XERO_CLIENT_ID", "client_id", "").clientID(s.issuer == xero.XeroIssuer)
	s.scopesGiven = f.Scopes != nil || env("XERO_SCOPES") != ""
	s.scopes, errs[5] = find(f.Scopes, "scopes", "XERO_SCOPES", "scopes", strings.Join(server.ReadScopes, " ")).scopes()
	s.debug, errs[6] = find(debug, "debug", "FCC_DEBUG", "debug", "false").yesNo("debug setting")
	s.notifications, errs[7] = find(nil, "", "", "notifications", "true").yesNo("setting for notifications")
	s.updates, errs[8] = find(nil, "", "", "updates", "true").yesNo("setting for updates")
	for _, err := range errs {
		if err != nil {
			return s, err
		}
	}
	if s.lastPort, err = strconv.Atoi(file[lastPort]); err != nil {
		s.lastPort = server.RegisteredPorts[0]
	}
	byHand := func(flag *string, flagName, envName string) string {
		switch {
		case flag != nil:
			return "--" + flagName
		case env(envName) != "":
			return envName
		}
		return ""
	}
	s.portFixed, s.keystoreFixed = byHand(f.Port, "port", "FCC_PORT"), byHand(f.Keystore, "keystore", "FCC_KEYSTORE")
	s.api = strings.TrimRight(s.api, "/")
	s.clientSecret = keystore.NewSecret(env("XERO_CLIENT_SECRET"))
	s.flaskSecret = keystore.NewSecret(env("FLASK_SECRET_KEY"))
	return s, nil
}

const lastPort = "last_port" // in settings.json

func (s settings) settingsFile() string { return filepath.Join(s.dataDir, "settings.json") }
func (s settings) logFile() string      { return filepath.Join(s.dataDir, "logs", "fcc.log") }
func (s settings) statePath() string    { return filepath.Join(s.dataDir, "state.db") }
func (s settings) crashFile() string    { return filepath.Join(s.dataDir, "logs", "crash.log") }

// settingVariables are the settings in the environment.
var settingVariables = []string{
	"FCC_PORT", "FCC_DATA_DIR", "FCC_KEYSTORE", "FCC_KEYSTORE_PASSPHRASE", "FCC_KEYSTORE_PASSPHRASE_FILE", "XERO_CLIENT_ID", "XERO_CLIENT_SECRET",
	"XERO_SCOPES", "FCC_XERO_ISSUER", "FCC_XERO_API", "FCC_DEBUG", "FLASK_SECRET_KEY",
}

// secretVariables hold secrets; programs that FCC starts must not inherit them.
var secretVariables = []string{"XERO_CLIENT_SECRET", "FCC_KEYSTORE_PASSPHRASE", "FLASK_SECRET_KEY"}

// readPassphrase finds what opens the keystore file: on Windows maybe nothing,
// then DPAPI does.
func readPassphrase(env environ) (keystore.Secret, error) {
	text, path := env("FCC_KEYSTORE_PASSPHRASE"), env("FCC_KEYSTORE_PASSPHRASE_FILE")
	switch {
	case text != "" && path != "":
		return keystore.Secret{}, failf(exitUsage, "FCC_KEYSTORE_PASSPHRASE and FCC_KEYSTORE_PASSPHRASE_FILE are both set. Keep one of them.")
	case path != "":
		data, err := os.ReadFile(path)
		if err != nil {
			return keystore.Secret{}, failf(exitUsage, "The passphrase file of FCC_KEYSTORE_PASSPHRASE_FILE cannot be read: %v.", err)
		}
		if text = strings.TrimRight(string(data), "\r\n"); text == "" {
			return keystore.Secret{}, failf(exitUsage, "The passphrase file %s is empty.", path)
		}
	case text == "" && !keystore.PassphraseOptional:
		return keystore.Secret{}, failf(exitUsage, "The keystore file needs a passphrase. Set FCC_KEYSTORE_PASSPHRASE, or FCC_KEYSTORE_PASSPHRASE_FILE to a file that holds it.")
	}
	return keystore.NewSecret(text), nil
}

// found is a setting's text, and where it comes from for the sentence that
// refuses it.
type found struct{ value, from string }

func (v found) wrong(what, why string) error {
	return failf(exitUsage, "The %s %q (from %s) %s.", what, v.value, v.from, why)
}

func (v found) port() (int, error) {
	if v.from == "the default" {
		return 0, nil
	}
	n, err := strconv.ParseUint(v.value, 10, 16)
	if err != nil || n == 0 {
		return 0, v.wrong("port", "is not a number from 1 to 65535")
	}
	return int(n), nil
}

func (v found) oneOf(words ...string) (string, error) {
	if !slices.Contains(words, v.value) {
		return "", v.wrong("keystore", "is none of "+strings.Join(words, ", "))
	}
	return v.value, nil
}

func (v found) address() (string, error) {
	if err := xero.CheckAddress(v.value); err != nil {
		return "", v.wrong("address", "cannot be used: "+err.Error())
	}
	return v.value, nil
}

var (
	xeroClientID = regexp.MustCompile(`^[0-9A-Fa-f]{32}$`)
	anyClientID  = regexp.MustCompile(`^[\x21-\x7E]{0,255}$`) // RFC 6749 appendix A.1, without the space
	scopeList    = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E ]+$`)
)

func (v found) clientID(ofXero bool) (string, error) {
	if v.value == "" && v.from == "the default" {
		return "", nil
	}
	if ofXero && !xeroClientID.MatchString(v.value) {
		return "", v.wrong("client id", "is not 32 digits and letters a to f; copy it from your app at developer.xero.com/app/manage")
	}
	if !anyClientID.MatchString(v.value) {
		return "", v.wrong("client id", "has a character that no client id has")
	}
	return v.value, nil
}

func (v found) scopes() ([]string, error) {
	scopes := strings.Fields(v.value)
	switch {
	case len(scopes) == 0 || !scopeList.MatchString(strings.Join(scopes, " ")):
		return nil, v.wrong("scopes", "are no list of words with spaces between")
	case !slices.Contains(scopes, "openid"):
		return nil, v.wrong("scopes", "lack openid, without which FCC cannot know who signed in")
	case !slices.Contains(scopes, "offline_access"):
		return nil, v.wrong("scopes", "lack offline_access, without which a sign-in ends after half an hour")
	}
	return scopes, nil
}

func (v found) yesNo(what string) (bool, error) {
	on, err := strconv.ParseBool(v.value)
	if err != nil {
		return false, v.wrong(what, "is neither 1 nor 0")
	}
	return on, nil
}

var errDamaged = errors.New("is not a JSON object")

// readSettingsFile returns the file's values as texts. No file is no settings.
func readSettingsFile(path string) (map[string]string, error) {
	raw, err := readFields(path)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for name, data := range raw {
		var value any
		if json.Unmarshal(data, &value) != nil {
			continue
		}
		switch value := value.(type) {
		case nil:
		case string:
			values[name] = value
		default:
			values[name] = string(data)
		}
	}
	return values, nil
}

func readFields(path string) (map[string]json.RawMessage, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // prepareFolder says the latter
		return map[string]json.RawMessage{}, nil
	}
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || fields == nil {
		return nil, errDamaged
	}
	return fields, nil
}

// saved are the settings as settings.json has them now.
func (s settings) saved() (map[string]string, error) { return readSettingsFile(s.settingsFile()) }

// saving is held over a change of settings.json.
var saving sync.Mutex

// save writes one setting into settings.json and keeps every other field, known or
// not. nil takes it away.
func (s settings) save(name string, value any) error { return s.saveAll(map[string]any{name: value}) }

// saveAll writes several at once.
func (s settings) saveAll(values map[string]any) error {
	saving.Lock()
	defer saving.Unlock()
	fields, err := readFields(s.settingsFile())
	if err != nil {
		return fmt.Errorf("read settings.json: %w", err)
	}
	for name, value := range values {
		if value == nil {
			delete(fields, name)
		} else if fields[name], err = json.Marshal(value); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(s.settingsFile(), append(data, '\n'))
}
