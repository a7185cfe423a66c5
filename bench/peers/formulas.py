# SPDX-License-Identifier: MIT
"""What each peer should compute, by dense matrices on a graph of a few nodes: so that its times mean what they seem."""

import torch


def _by_head(x, shape):
    return x.detach().double().view(-1, *shape)


def _attend(graph, scores, value):
    """scores: [destination, source, head]. A node without edges gets zeros."""
    edges = torch.zeros(graph.nodes, graph.nodes, dtype=torch.bool, device=graph.device)
    edges[graph.destination.long(), graph.source.long()] = True
    scores = scores.masked_fill(~edges[..., None], -torch.inf)
    weights = torch.softmax(scores, dim=1).nan_to_num(0)
    return torch.einsum("dsh,shc->dhc", weights, value).flatten(1)


def _gat(graph, shape, x, source_vector, destination_vector):
    x = _by_head(x, shape)
    source, destination = ((x * _by_head(vector, shape)).sum(-1) for vector in (source_vector, destination_vector))
    scores = torch.nn.functional.leaky_relu(destination[:, None] + source[None], 0.2)
    return _attend(graph, scores, x)


def _gatv2(graph, shape, key, query, vector):
    key, query = _by_head(key, shape), _by_head(query, shape)
    scores = torch.nn.functional.leaky_relu(query[:, None] + key[None], 0.2) * _by_head(vector, shape)
    return _attend(graph, scores.sum(-1), key)


def _dot(graph, shape, query, key, value):
    query, key, value = (_by_head(x, shape) for x in (query, key, value))
    scores = torch.einsum("dhc,shc->dsh", query, key) * shape[1] ** -0.5
    return _attend(graph, scores, value)


def _weighted(graph, _, x):
    matrix = torch.zeros(graph.nodes, graph.nodes, dtype=torch.double, device=graph.device)
    matrix[graph.destination.long(), graph.source.long()] = graph.weight.double()
    return matrix @ x.detach().double()


FORMULAS = {
    "gat_attention": _gat,
    "attention_gatv2": _gatv2,
    "attention_dot": _dot,
    "aggregate_weighted": _weighted,
}


def difference(graph, peer, shape):
    """The largest relative difference of a peer's result, in float32, from the formula."""
    subject = peer.make(graph, shape, torch.float32)
    leaves = subject.leaves
    if peer.name == "cudnn_gat":
        leaves = [leaves[0], *leaves[1].chunk(2)]
    wanted = FORMULAS[peer.ours](graph, shape, *leaves)
    found = subject.run().reshape(wanted.shape).double()
    return ((found - wanted).abs().max() / wanted.abs().max()).item()
