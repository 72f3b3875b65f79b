package messaging

// MatchType is the matcher of type patterns.
var MatchType = matchType
