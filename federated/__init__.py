"""Learning from what wearers send, together, without any text leaving a device.

Small modules first (settings, adapters, users, task, client, aggregate, privacy, report), which
need no Flower; `strategy`, `secure`, `simulate` and the app in `flower_app/` bring them to it, and
`deploy/` to real devices. `audit`, `curves` and `scale` measure.
"""
