package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// signed reports whether a value of X-Hub-Signature-256 signs the body with one of the secrets. It compares in constant
// time (docs.github.com, "Validating webhook deliveries").
func signed(header string, body []byte, secrets []string) bool {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok {
		return false
	}
	claimed, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if hmac.Equal(claimed, mac.Sum(nil)) {
			return true
		}
	}
	return false
}
