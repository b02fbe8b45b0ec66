-- One of 64 files of a slowfs after the other. For wrk.

local n = 0

function request()
    n = n + 1
    return wrk.format("GET", "/slow/f" .. n % 64)
end
