package source

// Hostname tells hosts apart.
var Hostname = hostname

// FreePort returns a port for a broker.
var FreePort = given.free
