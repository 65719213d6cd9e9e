-- Unique, correctly authenticated SunCo webhooks with the full user: about
-- 1.5 KB each, every event and every person a new one. Arguments: the key, the
-- kind of event, how many accounts (bench0, bench1 and so on get one after the
-- other; 0: the path says which), and a word that tells runs at once apart.
local thread_count = 0

function setup(thread)
   thread:set("id", thread_count)
   thread_count = thread_count + 1
end

function init(args)
   key = args[1]
   kind = args[2] or "conversation:create"
   accounts = tonumber(args[3] or "0")
   -- a run of its own: the second of the start, who, and the thread
   prefix = string.format("%08x%s%02x", os.time(), args[4] or "", id)
   count = 0
   filler = string.rep("x", 500)
   headers = {["Content-Type"] = "application/json", ["X-API-Key"] = key}
end

function request()
   count = count + 1
   local n = string.format("%s%014x", prefix, count)
   local person = string.format('{"id":"%s","externalId":"cust-%s",' ..
      '"authenticated":true,"signedUpAt":"2026-01-01T10:00:00.000Z",' ..
      '"identities":[{"type":"email","value":"u%s@customer.example",' ..
      '"verification":"embed"}],"profile":{"givenName":"Pat",' ..
      '"surname":"Example","locale":"en-GB"},"metadata":{"plan":"%s"}}',
      n, n, n, filler)
   local payload
   if kind == "conversation:typing" then
      payload = string.format('"activity":{"type":"typing:start",' ..
         '"author":{"type":"user","userId":"%s","user":%s}}', n, person)
   else
      payload = string.format('"creationReason":"message","source":' ..
         '{"type":"web","integrationId":"6a1d3c5e7f9b2d4f6a8c0e99"},' ..
         '"user":%s', person)
   end
   local body = string.format('{"app":{"id":"6a1d3c5e7f9b2d4f6a8c0e12"},' ..
      '"webhook":{"id":"6a1d3c5e7f9b2d4f6a8c0e77","version":"v2"},' ..
      '"events":[{"id":"%s","createdAt":"2026-11-22T10:00:00.000Z",' ..
      '"type":"%s","payload":{"conversation":{"id":"%s","type":"personal",' ..
      '"activeSwitchboardIntegration":{"id":"6a1d3c5e7f9b2d4f6a8c0e55",' ..
      '"name":"bot","integrationType":"custom"}},%s}}]}', n, kind, n, payload)
   local path = wrk.path
   if accounts > 0 then
      path = string.format("/webhooks/bench%d/sunco", count % accounts)
   end
   return wrk.format("POST", path, headers, body)
end

function done(summary, latency, requests)
   io.write(string.format('RESULT {"requests":%d,"seconds":%f,' ..
      '"p50_ms":%f,"p99_ms":%f,"p999_ms":%f,"errors":%d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000,
      latency:percentile(99.9) / 1000,
      summary.errors.connect + summary.errors.read + summary.errors.write +
      summary.errors.status + summary.errors.timeout))
end
