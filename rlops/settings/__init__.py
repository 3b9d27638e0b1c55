"""Settings: which server, as whom, and where each answer came from."""

from rlops.settings.resolve import Sandbox, resolve
from rlops.settings.target import DEFAULT_PORT, ENVIRONMENTS, SSL_MODES, Secret, Target

__all__ = ["DEFAULT_PORT", "ENVIRONMENTS", "SSL_MODES", "Sandbox", "Secret", "Target", "resolve"]
