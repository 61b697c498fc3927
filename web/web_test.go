package web_test

import (
	"net/http/httptest"
	"testing"
)

// status returns the status of a GET.
func status(t *testing.T, server *httptest.Server, url string) int {
	t.Helper()
	response, err := server.Client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
