package zktest

import "fmt"

// Release is a version of ZooKeeper that a server plays; see [Version].
type Release string

// The versions that a server can play.
const (
	// V35 is 3.5.10.
	V35 Release = "3.5"
	// V38 is 3.8.0 with the fix of CVE-2024-23944, as Debian 12 has it.
	V38 Release = "3.8"
	// V39 is 3.9.6.
	V39 Release = "3.9"
)

// Version makes the server play a version of ZooKeeper, [V38] by default. The
// package documentation lists the differences. [Start] fails for any other
// version than the three.
func Version(r Release) Option { return func(c *settings) { c.release = r } }

// traits are what one version does differently from another.
type traits struct {
	text  string // the version as srvr and envi print it
	lacks []Op

	// saturates says that the counter of sequential children stops at its maximum.
	saturates bool
	// hidesEvents says that a connection without the right to read a znode gets
	// no watch events about it.
	hidesEvents bool
	// hidesMissedEvents says the same of the events with which setWatches makes up
	// for missed changes.
	hidesMissedEvents bool
	// datesEvents says that a watch event has the zxid of its transaction.
	datesEvents bool
	// keepsWatchModes says that watches of several modes on one path stand beside
	// each other. Otherwise the newest replaces the others.
	keepsWatchModes bool
	// confusesWatchers says that checkWatches finds the watches of any connection.
	confusesWatchers bool
	// closesDeleteContainer says that a client's deleteContainer ends its connection.
	// Otherwise the server never finds the path in the request.
	closesDeleteContainer bool
	// keepsMultiOps says that a create in a multi keeps its kind, and so its answer.
	// Otherwise its flags alone decide.
	keepsMultiOps bool
	// parsesFirst says that a malformed write takes no zxid.
	parsesFirst bool
	// needsACLs says that a create or a setACL without a list of ACLs is malformed.
	needsACLs bool
	// looksFirst says that a delete of a missing znode needs no right.
	looksFirst bool
	// terse says that conf and mntr have fewer lines.
	terse bool
	// existsNeedsRead says that exists needs the right to read.
	existsNeedsRead bool
}

var releases = map[Release]traits{
	V35: {
		text:  "3.5.10-zktest",
		lacks: []Op{OpMultiRead, OpGetEphemerals, OpGetAllChildrenCount, OpSetWatches2, OpAddWatch, OpWhoAmI},

		needsACLs: true, looksFirst: true, terse: true,
	},
	V38: {text: "3.8.0-zktest", saturates: true, hidesEvents: true, confusesWatchers: true},
	V39: {
		text:  "3.9.6-zktest",
		lacks: []Op{OpCheck}, // outside of a multi

		saturates: true, hidesEvents: true, hidesMissedEvents: true, datesEvents: true, keepsWatchModes: true,
		closesDeleteContainer: true, keepsMultiOps: true, parsesFirst: true, existsNeedsRead: true,
	},
}

// validateRelease returns an error for an unknown version.
func (c settings) validateRelease() error {
	if _, known := releases[c.release]; !known {
		return fmt.Errorf("zktest: Version(%q): unknown; use V35, V38 or V39", c.release)
	}
	return nil
}
