// servemux - what one look-up costs in Go's ServeMux of before 1.22, for bench/mux: it reads routes
// and requests as `mux N 1 list` prints them, a pattern with wildcards becomes the subtree below its
// literal prefix, and prints the routes it has and ns per look-up.
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"
)

func main() {
	mux := http.NewServeMux()
	known := map[string]bool{}
	var requests []*http.Request
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		field := strings.Split(lines.Text(), " ")
		if field[0] == "Q" {
			r, err := http.NewRequest(field[1], "http://"+field[2]+field[3], nil)
			if err != nil {
				panic(err)
			}
			requests = append(requests, r)
			continue
		}
		pattern := field[2] + field[3]
		if brace := strings.IndexByte(pattern, '{'); brace >= 0 {
			pattern = pattern[:brace]
		}
		if !known[pattern] {
			known[pattern] = true
			mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
		}
	}
	const batch = 100
	var times []float64
	for i := 0; i+batch <= len(requests) && i < 200*batch; i += batch {
		begin := time.Now()
		for _, r := range requests[i : i+batch] {
			mux.Handler(r)
		}
		times = append(times, float64(time.Since(begin).Nanoseconds())/batch)
	}
	sort.Float64s(times)
	fmt.Println(len(known), times[len(times)/2])
}
