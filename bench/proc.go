package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// residentBytes returns the memory that the kernel has given to a process.
func residentBytes(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	words := bytes.Fields(text)
	if len(words) < 2 {
		return 0, errors.New("a process's statm has fewer than two words")
	}
	pages, err := strconv.ParseInt(string(words[1]), 10, 64)
	return float64(pages) * float64(os.Getpagesize()), err
}

// processorTick is the unit of the times in /proc/PID/stat on every Linux that
// Go supports.
const processorTick = time.Second / 100

// processorTime returns the processor time of a process, in user and kernel
// mode.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseProcessorTime(text)
}

// ownProcessorTime is processorTime of this process, in finer units.
func ownProcessorTime() (time.Duration, error) {
	var used syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), err
}

func parseProcessorTime(stat []byte) (time.Duration, error) {
	// The second field is a name in parentheses, which may contain spaces and
	// parentheses. The times are the 14th and the 15th.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, errors.New("a process's stat has too few fields")
	}
	var ticks int64
	for _, field := range fields[user : system+1] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("a process's stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * processorTick, nil
}

// raiseFileLimit lets this process and its children open that many files.
func raiseFileLimit(need uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < need {
		limit.Max = need // root may raise it
	}
	// The limit is set even if it is high enough: Go does not pass on the value
	// to which it raised the limit at its start.
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d files are needed (ulimit -n): %w", need, err)
	}
	return nil
}
