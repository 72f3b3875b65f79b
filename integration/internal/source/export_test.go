package source

// Hostname tells hosts apart.
var Hostname = hostname
