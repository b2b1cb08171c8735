"""How the demo keeps its three passwords."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Django's own with fewer rounds: its usual ones for three users delay the start by a second, for a table that goes with the demo."""

    iterations = 20_000
