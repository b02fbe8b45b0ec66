-- One of 10,000 files at random, in the same order in each run. For wrk.

local requests = {}

function init()
    math.randomseed(1)
    for i = 0, 9999 do
        local path = string.format("/many/%02d/%02d.html", math.floor(i / 100), i % 100)
        requests[i + 1] = wrk.format("GET", path)
    end
end

function request()
    return requests[math.random(#requests)]
end
