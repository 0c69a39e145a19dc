package main

import "fmt"

// creator is a command that may create znodes.
type creator interface{ creates() bool }

func (c *lockCommand) creates() bool      { return true }
func (c *onceCommand) creates() bool      { return true }
func (c *electCommand) creates() bool     { return true }
func (c *leaderCommand) creates() bool    { return c.Transfer != "" }
func (c *barrierSet) creates() bool       { return true }
func (c *barrierEnter) creates() bool     { return true }
func (c *counterAdd) creates() bool       { return true }
func (c *counterSet) creates() bool       { return true }
func (c *configSet) creates() bool        { return c.Create || c.Keep != nil }
func (c *configRollback) creates() bool   { return true }
func (c *configImport) creates() bool     { return !c.DryRun }
func (c *queuePut) creates() bool         { return true }
func (c *queueTake) creates() bool        { return true }
func (c *queueDeadRedrive) creates() bool { return true }
func (c *groupJoin) creates() bool        { return true }
func (c *serviceRegister) creates() bool  { return true }

// openWarning is about credentials that do not protect what the command
// creates, because nothing says which ACL it is to have. It is empty if there
// is nothing to warn of.
func (g *globals) openWarning() string {
	if g.ACL != "" || !g.hasCredentials() {
		return ""
	}
	flag := "--tls-cert"
	switch {
	case g.Auth != "":
		flag = g.authFlag()
	case g.SASLUser != "":
		flag = "--sasl-user"
	}
	return fmt.Sprintf("new znodes are open to everyone, although %s is given; give --acl creator (or DOCENT_ACL), "+
		"or --acl open to silence this warning", flag)
}
