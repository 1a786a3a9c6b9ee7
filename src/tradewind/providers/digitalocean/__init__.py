"""DigitalOcean GPU Droplets."""
