package config

// Version is the version of this program; it is what `aiperf --version` prints and
// what the User-Agent header says.
const Version = "0.1.0"
