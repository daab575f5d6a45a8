// Package postgres runs a private PostgreSQL server out of one folder, for
// development and tests on one machine (Linux or macOS).
//
// The server is a process of its own and outlives a crash of the program that
// started it: the next Start with the same folder adopts it. Settings are
// durable (fsync and synchronous_commit on), and its log never holds a
// statement, a parameter or a row.
//
// Programs come from the machine if it has a supported major version, else
// they are fetched once from the Maven artifacts of
// io.zonky.test.postgres:embedded-postgres-binaries and checked by SHA-256.
package postgres
