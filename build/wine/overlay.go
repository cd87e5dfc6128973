package wine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Overlay writes into dir what -overlay of go build and go test takes, to make
// os.RemoveAll and os.Root.Remove work under Wine 8, and returns the file's name.
//
// They delete by a call that Wine answers with STATUS_NOT_IMPLEMENTED. Go has a
// second way, for systems that answer otherwise; this adds that answer. It is for
// tests, whose temporary folders are removed so, and no program ships with it.
func Overlay(dir string) (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "internal", "syscall", "windows", "at_windows.go")
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	mended, err := withSecondWay(source)
	if err != nil {
		return "", fmt.Errorf("%s: %w", original, err)
	}
	replacement := filepath.Join(dir, "at_windows.go")
	if err := os.WriteFile(replacement, mended, 0o644); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{original: replacement}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}

// withSecondWay adds NTSTATUS 0xC0000002 to the answers after which Go's Deleteat
// deletes in its second way.
func withSecondWay(source []byte) ([]byte, error) {
	const answers = "\tcase STATUS_INVALID_INFO_CLASS,"
	if bytes.Count(source, []byte(answers)) != 1 || !bytes.Contains(source, []byte("return deleteatFallback(h)")) {
		return nil, fmt.Errorf("this Go deletes files otherwise than Go 1.26: the overlay has to be made anew")
	}
	return bytes.Replace(source, []byte(answers), []byte("\tcase NTStatus(0xC0000002), STATUS_INVALID_INFO_CLASS,"), 1), nil
}
