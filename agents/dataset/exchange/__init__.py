"""Exchange formats: export to and import from Minari, export to LeRobot. docs/exchange.md describes them."""
