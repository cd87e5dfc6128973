package server_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"financial-command-center/server/store"
)

// smallDisk is a disk of half a megabyte.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("fcc-test", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Fatalf("a small disk cannot be mounted (%v). As root run: go run ./build test", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves nothing of the disk, and returns what makes room again.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func TestAFullDiskStopsNeitherTheGatewayNorTheBrowsers(t *testing.T) {
	disk := smallDisk(t)
	b := newBench(t, func(b *bench) { b.cfg.StatePath = filepath.Join(disk, "state.db") }).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "sheet"})
	free := fill(t, disk)

	cookie := b.visit()
	if g := b.ask(ask{path: invoices, key: key}); g.status != 200 {
		t.Errorf("the gateway: %d %s", g.status, g.body)
	}
	g := b.ask(ask{path: "/api/status", cookie: cookie})
	if g.status != 200 || !strings.Contains(g.body, "state_unavailable") || !strings.Contains(g.body, "The disk is full") || !strings.Contains(g.body, `"state": "connected"`) {
		t.Errorf("the status: %d %s", g.status, g.body)
	}
	if _, h := b.health(ask{}); h.Status != "degraded" {
		t.Errorf("health is %q", h.Status)
	}
	if _, _, said, err := b.AddKeySaying(t.Context(), store.Key{Name: "new"}); err == nil || !strings.Contains(said, "The disk is full") {
		t.Errorf("a new key: %v, said %q", err, said)
	}

	free()
	b.visit() // something to write
	if g := b.ask(ask{path: "/api/status", cookie: cookie}); strings.Contains(g.body, "state_unavailable") {
		t.Errorf("with room again: %s", g.body)
	}
	b.stop()
	b.start()
	b.opened()
	if g := b.ask(ask{path: "/api/status", cookie: cookie}); g.status != 200 {
		t.Errorf("the session from when the disk was full is gone: %d", g.status)
	}
	if g := b.ask(ask{path: invoices, key: key}); g.status != 200 {
		t.Errorf("the key is gone: %d %s", g.status, g.body)
	}
}

func TestADiskThatCannotBeWrittenIsSaidAndLivedWith(t *testing.T) {
	disk := smallDisk(t)
	if err := syscall.Mount("fcc-test", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(b *bench) { b.cfg.StatePath = filepath.Join(disk, "state.db") }).opened()
	cookie := b.signIn(b.visit(), café)
	g := b.ask(ask{path: "/api/status", cookie: cookie})
	if g.status != 200 || !strings.Contains(g.body, "state_unavailable") || !strings.Contains(g.body, "cannot write to its data folder") {
		t.Errorf("%d %s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/api/xero/contacts", cookie: cookie}); g.status != 200 {
		t.Errorf("the books: %d %s", g.status, g.body)
	}
}

func TestTheStateOfANewerVersionIsLeftAloneAndSaid(t *testing.T) {
	b := newBench(t).opened()
	key := b.addKey(store.Key{Name: "sheet"})
	b.stop()
	file, err := os.ReadFile(b.cfg.StatePath)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(file[60:], 99) // user_version (sqlite.org/fileformat2.html 1.3.12)
	if err := os.WriteFile(b.cfg.StatePath, file, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.opened()
	if g := b.ask(ask{path: "/api/status", key: key}); g.status != 503 || g.code != "state_unavailable" {
		t.Errorf("a key: %d %s", g.status, g.body)
	}
	if g := b.ask(ask{path: "/api/status", cookie: b.visit()}); g.status != 200 || !strings.Contains(g.body, "newer FCC") {
		t.Errorf("a browser: %d %s", g.status, g.body)
	}
	b.stop()
	if now, err := os.ReadFile(b.cfg.StatePath); err != nil || !bytes.Equal(now, file) {
		t.Errorf("the file was changed (%v)", err)
	}
}
