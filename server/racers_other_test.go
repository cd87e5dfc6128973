//go:build !windows

package server_test

const racers = 64
