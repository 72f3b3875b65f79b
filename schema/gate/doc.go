// Package gate decides whether a set of schemas may be published: offline, from a folder, against what was published before.
//
// [Check] compares a set with a base (another folder, a git revision by [Git], a registry) and with a [Lock], the list of what was published.
// New versions of a type are held to the versions before them by package schema/compat; what was published may neither change nor go away.
// [Lint] asks for what makes schemas good to live with, [Diff] lists what differs between two versions.
//
// The command `herald schema` is this package with flags. Nothing here opens a connection, except through the sources it is given; [Git] runs
// the git program.
package gate
