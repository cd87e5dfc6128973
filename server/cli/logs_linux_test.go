package cli

import (
	"os"
	"testing"
)

func TestALogThatIsThereIsClosedToOthers(t *testing.T) {
	s := settings{dataDir: t.TempDir()}
	if err := s.prepareFolder(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.logFile(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.logFile(), 0o666); err != nil {
		t.Fatal(err)
	}
	log, file := s.openLog()
	defer file.Close()
	log.Info("started")
	if info, err := os.Stat(s.logFile()); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}
