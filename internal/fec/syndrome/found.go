package syndrome

// found holds the submatrices of heights from MinHeight and widths from 2 on, as `go test -run Search -search` found them.
var found [MaxHeight - MinHeight + 1][MaxSearched - 1][]uint16
