package gormstore

// For the tests of this package.
var PurgeAfterOf = purgeAfterOf
