"""Form of the answers: schemas, OpenAPI components, JSON."""
