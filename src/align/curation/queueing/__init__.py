"""Which example to show whom next: what people said so far, what is learned of it, and the pick."""
