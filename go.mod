module ditas

go 1.26
