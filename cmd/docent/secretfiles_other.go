//go:build !unix

package main

import "os"

const nonBlocking = 0

// Descriptors have no paths here.

func descriptor(string) (fd int, ok bool) { return 0, false }

func (*app) inherited(string) (*os.File, error) { return nil, nil }
