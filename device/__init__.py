"""What the wearer runs: messages in, a card out, drafts, consent, send. No torch in here."""
