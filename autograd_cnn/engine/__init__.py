"""What records: nodes, primitives, the backward pass, and running recorded calls again."""
