"""Pictures of captured graphs: drawings, pages and what a notebook shows."""
