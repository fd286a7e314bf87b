package auth

import (
	"fmt"
	"net"
	"net/netip"
)

// IsLoopback reports whether an address (host:port) can be reached from this machine only. A name other than localhost
// and an empty host are not loopback.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// CheckListen returns why a server must not listen on an address: it could be reached from elsewhere and no token was
// made. The error says how to make one.
func CheckListen(address string, haveTokens bool) error {
	if haveTokens || IsLoopback(address) {
		return nil
	}
	return fmt.Errorf("listen on %s: it can be reached from other machines and no token was made, so that anyone could read and write; "+
		"start on 127.0.0.1 first, run `throughline token create --scope emit --study STUDY` (or --scope admin --study '*'), then listen here", address)
}
