//go:build proof

package proof

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

const kills = 20

// A strike is one kill -9 in the midst of a renewal that go has begun. It reports
// whether it came where it should.
type strike func(t *testing.T, sim *simXero, f *fcc, renew func()) bool

func TestKill9AtAnyPointOfARenewalLosesNoSignIn(t *testing.T) {
	for _, at := range []struct {
		point string
		strike
	}{
		{"the token request was seen", killOnRequest},
		{"the answer was sent", killOnAnswer},
		{"before the rename of the secrets file", killBeforeRename},
		{"after the rename of the secrets file", killAfterRename},
	} {
		t.Run(at.point, func(t *testing.T) { survivesKills(t, at.strike) })
	}
}

func survivesKills(t *testing.T, hit strike) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	i := install(t, port, sim.settings()...)
	f := i.start(t)
	i.signIn(t, sim, café)
	key := i.addKey(t, "sheet")
	i.connected(t, key)

	landed, tries, graces := 0, 0, 0
	for ; landed < kills && tries < 4*kills; tries++ {
		before := sim.last(t)
		asked := make(chan struct{})
		there := hit(t, sim, f, func() {
			sim.control(t, "expire", nil, nil)
			go func() {
				defer close(asked)
				_, _ = i.get("/connections", key) // cut off, or answered just before
			}()
		})
		<-asked
		sim.control(t, "clear", nil, nil)
		if there {
			landed++
		}
		f = i.start(t)
		i.connected(t, key)
		if err := i.answers(key); err != nil {
			t.Fatalf("after kill %d: %v", tries+1, err)
		}
		uses := graceUses(sim.renewals(t, before))
		if uses > 1 {
			t.Fatalf("kill %d: the grace was used %d times: %+v", tries+1, uses, sim.renewals(t, before))
		}
		graces += uses
	}
	if landed < kills {
		t.Fatalf("only %d of %d kills came at this point", landed, tries)
	}
	if got := i.organisation(t, key); got != café {
		t.Errorf("after %d kills the key opens the books of %s", tries, got)
	}
	t.Logf("%d kills at this point (of %d), signed in after each; the grace was used %d times", landed, tries, graces)
}

// graceUses counts the renewals with a refresh token that had been used already.
func graceUses(renewals []xerosim.Entry) int {
	uses, spent := 0, map[string]bool{}
	for _, e := range renewals {
		token := e.Form.Get("refresh_token")
		if spent[token] && e.Status == 200 {
			uses++
		}
		spent[token] = spent[token] || e.Status == 200
	}
	return uses
}

// killOnRequest kills when Xero has the request and has rotated the refresh
// token, and nothing came back yet.
func killOnRequest(t *testing.T, sim *simXero, f *fcc, renew func()) bool {
	seen := sim.count(t, "token-seen")
	sim.fault(t, xerosim.PointToken, xerosim.Hold)
	renew()
	sim.wait(t, "token-seen", seen)
	f.kill()
	return true
}

func killOnAnswer(t *testing.T, sim *simXero, f *fcc, renew func()) bool {
	answered := sim.count(t, "token-answered")
	renew()
	sim.wait(t, "token-answered", answered)
	f.kill()
	return true
}

const secretsFile = "keystore.enc"

// killBeforeRename kills when the new secrets file is being written. Now and then
// the rename is faster; then the new file is gone, and the strike does not count.
func killBeforeRename(t *testing.T, sim *simXero, f *fcc, renew func()) bool {
	killOnFile(t, sim, f, renew, syscall.IN_CREATE, secretsFile+".new")
	_, err := os.Stat(filepath.Join(f.data, secretsFile+".new"))
	return err == nil
}

func killAfterRename(t *testing.T, sim *simXero, f *fcc, renew func()) bool {
	killOnFile(t, sim, f, renew, syscall.IN_MOVED_TO, secretsFile)
	return true
}

// killOnFile holds Xero's answer, so that what befalls the secrets file from then
// on is the save of the new refresh token.
func killOnFile(t *testing.T, sim *simXero, f *fcc, renew func(), mask uint32, name string) {
	t.Helper()
	seen := sim.count(t, "token-seen")
	sim.fault(t, xerosim.PointToken, xerosim.Hold)
	renew()
	sim.wait(t, "token-seen", seen)
	w := watchFolder(t, f.data)
	defer w.close()
	sim.control(t, "release", nil, nil)
	w.wait(t, mask, name)
	f.kill()
}
