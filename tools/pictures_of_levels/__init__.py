"""The pictures of docs/islands.md: contact sheets, maps and a film."""
