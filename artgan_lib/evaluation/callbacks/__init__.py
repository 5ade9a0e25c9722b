"""What looks on while a generator trains: its scores, and what the discriminator makes of unseen images."""
