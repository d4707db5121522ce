"""What use cases ask of a deployment: small protocols, by role."""
