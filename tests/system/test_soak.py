"""A soak: see soak.py. REUNITE_SOAK_SECONDS says how long (60),
REUNITE_SOAK_SEED repeats one."""

import os
import random

import crashes
import privacy
import soak

SECONDS = float(os.environ.get("REUNITE_SOAK_SECONDS", "60"))
CALM_S = 300.0
SANITIZED = bool(os.environ.get("REUNITE_SANITIZE"))
RSS_MAX_KB = 2_000_000 if SANITIZED else 200_000
DESCRIPTORS_MAX = 200


def say(capsys, text):
    with capsys.disabled():
        print("\n" + text, flush=True)


def test_bad_weather_loses_and_doubles_nothing(tmp_path, capsys):
    seed = int(os.environ.get("REUNITE_SOAK_SEED",
                              random.randrange(1 << 32)))
    say(capsys, f"REUNITE_SOAK_SEED={seed} REUNITE_SOAK_SECONDS={SECONDS:g}")
    with crashes.stage(tmp_path, soak.SETTINGS, **soak.ACCOUNT) as on:
        on.start()
        weather = soak.Soak(on, seed)
        weather.play(soak.script(seed, SECONDS))
        weather.calm(CALM_S)
        say(capsys, f"{dict(weather.counts)}, at most {weather.most}")
        soak.check_all(on, weather.known)
        assert weather.most["rss_kb"] < RSS_MAX_KB
        assert weather.most["descriptors"] < DESCRIPTORS_MAX
        privacy.check(on.daemon.log(), [on.sandbox])
