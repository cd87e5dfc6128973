package cli

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// The test binary is fcc when it is told so: see TestMain.
func TestTheProgramStartsAgainWithItsArgumentsAndEnvironment(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	port := registerPorts(t, 1)[0]
	dir := t.TempDir()
	env := append(os.Environ(), "FCC_TEST_AS_FCC=1", "FCC_KEYSTORE=memory", "FCC_DATA_DIR="+dir)
	if err := again(self, []string{"serve", "--port", strconv.Itoa(port)}, env); err != nil {
		t.Fatal(err)
	}
	stop := func() error {
		cmd := exec.Command(self, "stop")
		cmd.Env = env
		return cmd.Run()
	}
	t.Cleanup(func() { _ = stop() })
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if run, err := readRunFile(dir); err == nil {
			if _, err := newClient(run).hello(t.Context()); err == nil && run.PID != os.Getpid() && run.Address == "127.0.0.1:"+strconv.Itoa(port) {
				break
			}
		}
		if time.Now().After(until) {
			t.Fatal("it did not start")
		}
	}
	if err := stop(); err != nil {
		t.Errorf("fcc stop: %v", err)
	}
	if err := again(self+".none", nil, env); err == nil {
		t.Error("a program that is not there was started")
	}
}
