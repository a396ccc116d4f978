"""The form of answers: schemas, OpenAPI components, JSON."""
