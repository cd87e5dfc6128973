//go:build proof

package proof

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

const rounds = 10

// median of the rounds' times.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// milliseconds reports a time under its unit's name.
func milliseconds(b *testing.B, d time.Duration, unit string) {
	b.ReportMetric(float64(d.Microseconds())/1000, unit)
}

// BenchmarkStart is the time from the start of a signed-in FCC to its first 200 of
// /health, beside the derivation of the keystore file's key, which is slow on
// purpose (argon2id, 64 MiB, 3 passes).
func BenchmarkStart(b *testing.B) {
	port := freePort(b)
	sim := startSim(b, []int{port})
	i := install(b, port, sim.settings()...)
	f := i.start(b)
	i.signIn(b, sim, café)
	f.kill()
	for b.Loop() {
		var starts, derivations []time.Duration
		for range rounds {
			debug.FreeOSMemory() // FCC too asks the system for the 64 MiB
			begun := time.Now()
			argon2.IDKey([]byte(passphrase), make([]byte, 16), 3, 64<<10, 4, 32)
			derivations = append(derivations, time.Since(begun))

			begun = time.Now()
			f := start(b, environment(i.home, i.settings...), i.program, "serve")
			for !healthy(i) {
				if time.Since(begun) > patience {
					b.Fatal("FCC does not get healthy")
				}
				time.Sleep(time.Millisecond)
			}
			starts = append(starts, time.Since(begun))
			f.kill()
		}
		start, derivation := median(starts), median(derivations)
		milliseconds(b, start, "ms/start")
		milliseconds(b, derivation, "ms/key-derivation")
		milliseconds(b, start-derivation, "ms/start-less-derivation")
	}
	b.ReportMetric(0, "ns/op")
}

func healthy(i *installation) bool {
	resp, err := http.Get(i.base() + "/health")
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// BenchmarkResident is what FCC keeps in memory ten seconds after a sign-in.
func BenchmarkResident(b *testing.B) {
	port := freePort(b)
	sim := startSim(b, []int{port})
	i := install(b, port, sim.settings()...)
	f := i.start(b)
	i.signIn(b, sim, café)
	key := i.addKey(b, "sheet")
	i.invoices(b, key)
	for b.Loop() {
		time.Sleep(10 * time.Second) // idle
		b.ReportMetric(resident(b, f.pid()), "MB")
	}
	b.ReportMetric(0, "ns/op")
}

var vmRSS = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)

// resident is a process's memory in MB (proc_pid_status(5)).
func resident(t testing.TB, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := vmRSS.FindSubmatch(text)
	if found == nil {
		t.Fatalf("no VmRSS in %s", text)
	}
	kB, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return kB * 1024 / 1e6
}

// Benchmark50Callers is what 50 callers on an expired token cost Xero.
func Benchmark50Callers(b *testing.B) {
	port := freePort(b)
	sim := startSim(b, []int{port})
	i := install(b, port, sim.settings()...)
	i.start(b)
	i.signIn(b, sim, café)
	key := i.addKey(b, "sheet")
	i.connected(b, key)
	for b.Loop() {
		before := sim.last(b)
		sim.control(b, "expire", nil, nil)
		begun := time.Now()
		if wrong := together(50, i.callers(key)); len(wrong) > 0 {
			b.Fatal(wrong[0])
		}
		milliseconds(b, time.Since(begun), "ms/50-callers")
		b.ReportMetric(float64(len(sim.renewals(b, before))), "renewals")
	}
	b.ReportMetric(0, "ns/op")
}
