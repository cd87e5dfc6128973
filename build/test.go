package main

import "errors"

func test(args []string) error { return errors.New("is not there yet") }
