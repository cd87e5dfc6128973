package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// proof runs the proofs that take minutes; see the package build/proof.
func proof(args []string) error {
	err := ready("proof", `Runs the built program as a person and a script do, with a real browser and a real
keychain: kill -9 in the midst of a renewal, a sleep, the search for secrets, the
whole journey. Takes several minutes.`, args)
	if err != nil {
		return err
	}
	begun := time.Now()
	t := tally{verbose: true}
	t.tests(testEnv(), "-tags=proof", "./build/proof")
	return t.close(begun)
}

// bench takes the measures, each beside what it is compared with.
func bench(args []string) error {
	err := ready("bench", `Measures the built program: start, memory, renewals, a session and the gateway, each
beside what it is compared with in the same run.`, args)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "test", "-tags=proof", "-run=^$", "-benchtime=1x", "-timeout=20m",
		"-bench=BenchmarkStart|BenchmarkResident|Benchmark50Callers|BenchmarkSessionCheck|BenchmarkGateway|BenchmarkCache", "./build/proof", "./server")
	cmd.Env = testEnv()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if cmd.Run() != nil {
		return errSaid
	}
	return nil
}

// ready reads the flags of a command that has none, goes to the module's root and
// sees that what the tests need is installed.
func ready(name, does string, args []string) error {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprintf(fs.Output(), "Usage: go run ./build %s\n\n%s\n", name, does) }
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return errors.New("takes no arguments")
	}
	if err := enterModule(); err != nil {
		return err
	}
	return setUp()
}
