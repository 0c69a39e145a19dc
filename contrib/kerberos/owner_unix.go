//go:build unix

package kerberos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ownFile returns an error if another user than the own one and root owns the
// file. Every user may create a file in /tmp.
func ownFile(name string) error {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the error is made where the file is read
	}
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if own := uint32(os.Geteuid()); ok && stat.Uid != own && stat.Uid != 0 {
		return fmt.Errorf("the credential cache %s belongs to the user with the id %d; "+
			"name the file with kerberos.CCache or KRB5CCNAME if this is meant", name, stat.Uid)
	}
	return nil
}
