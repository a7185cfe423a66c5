# SPDX-License-Identifier: MIT
"""Graphs prepared for message passing."""

from __future__ import annotations

import operator
import weakref
from collections import OrderedDict
from multiprocessing.reduction import ForkingPickler
from typing import Any, Callable, NamedTuple, Optional, Union

import torch
from torch import Tensor
from torch.utils import _pytree

from . import ops

Size = Union[int, tuple[int, int], None]

_ERRORS = {"out_of_range": IndexError, "overflow": OverflowError, "invalid_argument": ValueError,
           "out_of_memory": MemoryError}
_MOST = 2**31 - 1
_ALWAYS, _TABLES = 7, 8  # parts of a graph that are always there, and that may be left out where all are empty


class SelfLoops(NamedTuple):
    """A graph whose nodes have one self-loop each, and where its edges come from: `kept` edges of the old graph, in
    their order, then the loops of nodes 0, 1, and so on."""

    graph: Graph
    kept: Optional[Tensor]  #: [E'] int64, edges of the old graph that are no loops; None: all of them
    last_loop: Optional[tuple[Tensor, Tensor]]  #: nodes that had a loop, and the last of their loops' edge ids


class Graph:
    """A graph, or two sets of nodes with edges between them, prepared for message passing.

    Made of `edge_index` [2, E] (int64 or int32; row 0 sources, row 1 destinations), once, for any number of layers:
    edges are validated and sorted in both directions. Tensors with one row per edge stay in the order of `edge_index`.
    Layers take a graph wherever they take an `edge_index`, and then sort nothing.

    Args:
        edge_index: [2, E], on the CPU or a CUDA device. Duplicates and self-loops are kept.
        num_nodes: how many nodes there are; a pair (sources, destinations) for two sets. None: one more than the
            largest id, which waits for the device.

    Raises:
        IndexError: for a node id outside its domain.
        OverflowError: beyond 2^31 - 1 nodes or edges.
        TypeError, ValueError: for an `edge_index` of another dtype or shape, or a bad `num_nodes`.
    """

    def __init__(self, edge_index: Tensor, num_nodes: Size = None) -> None:
        edge_index = checked_edge_index(edge_index)
        sources, destinations = _sizes(edge_index, num_nodes)
        self.edge_index = edge_index
        self.parts = for_training_too(lambda: _build(edge_index, sources, destinations))
        self._derived: dict[Any, Any] = {}

    def __reduce__(self) -> tuple:
        """A graph from a file is made again of its edges: operators trust the parts of a graph, and nobody a file."""
        return Graph, (self.edge_index, (self.num_sources, self.num_destinations))

    # --- What it is -------------------------------------------------------------------------------------------------

    @property
    def num_sources(self) -> int:
        return self.parts[3].shape[0] - 1

    @property
    def num_destinations(self) -> int:
        return self.parts[0].shape[0] - 1

    @property
    def num_edges(self) -> int:
        return self.parts[1].shape[0]

    @property
    def num_nodes(self) -> int:
        """Of a graph with one set of nodes."""
        if self.num_sources != self.num_destinations:
            raise ValueError(f"num_nodes: expected one set of nodes, got {self.num_sources} sources and "
                             f"{self.num_destinations} destinations")
        return self.num_sources

    @property
    def all_parts(self) -> list[Tensor]:
        """The parts with their tables of long rows and orders of rows, empty ones too: as many for every graph."""
        tables = _TABLES - len(self.parts[_ALWAYS:])
        return [*self.parts, *(self.parts[1].new_empty(0) for _ in range(tables))]

    @property
    def source(self) -> Tensor:
        """[E]: where each edge comes from."""
        return self.edge_index[0]

    @property
    def destination(self) -> Tensor:
        """[E]: where each edge goes to."""
        return self.edge_index[1]

    @property
    def device(self) -> torch.device:
        return self.parts[0].device

    def __repr__(self) -> str:
        nodes = (str(self.num_sources) if self.num_sources == self.num_destinations else
                 f"({self.num_sources}, {self.num_destinations})")
        return f"Graph(num_nodes={nodes}, num_edges={self.num_edges}, device={self.device})"

    # --- Other graphs made of it ------------------------------------------------------------------------------------

    def to(self, device: Union[torch.device, str], non_blocking: bool = False) -> Graph:
        """The same graph on another device."""
        if torch.device(device) == self.device:
            return self
        return Graph._of([part.to(device, non_blocking=non_blocking) for part in self.parts],
                         self.edge_index.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Graph:
        """The same graph in pinned memory."""
        return Graph._of([part.pin_memory() for part in self.parts], self.edge_index.pin_memory())

    def reversed(self) -> Graph:
        """The graph with every edge turned round. Edge ids stay, and nothing is sorted."""
        parts = self.parts
        return self.derived("reversed", lambda: Graph._of(
            [*parts[3:6], *parts[0:3], _whole(parts[3]), *parts[11:15], *parts[7:11]], self.edge_index.flip(0)))

    def with_self_loops(self, num_loops: Optional[int] = None) -> SelfLoops:
        """The graph with one self-loop at each of its first nodes and no other. Made once, and kept.

        Args:
            num_loops: how many nodes get one; None: those that are source and destination.
        """
        if num_loops is None:
            return self.derived("loops", lambda: _with_self_loops(self, min(self.num_sources, self.num_destinations)))
        if torch.compiler.is_compiling():  # a number that is not known yet is no key
            return _with_self_loops(self, num_loops)
        return self.derived(("loops", num_loops), lambda: _with_self_loops(self, num_loops))

    def derived(self, key: Any, make: Any) -> Any:
        """What `make()` gives, made once and kept as long as the graph: for what hangs on the graph alone."""
        if key not in self._derived:
            self._derived[key] = for_training_too(make)
        return self._derived[key]

    def derived_of(self, tensor: Tensor, key: Any, make: Any) -> Any:
        """The same for what hangs on a tensor too: made again when that is another one, or has changed. Not kept under
        torch.compile."""
        if torch.compiler.is_compiling() or tensor.is_inference():
            return make()
        found = self._derived.get(key)
        if found is None or found[0]() is not tensor or found[1] != _state(tensor):
            found = self._derived[key] = weakref.ref(tensor), _state(tensor), for_training_too(make)
        return found[2]

    # --- Other libraries' graphs ------------------------------------------------------------------------------------

    @classmethod
    def from_adjacency(cls, adjacency: Tensor) -> tuple[Graph, Optional[Tensor]]:
        """Of a sparse matrix whose rows are destinations and columns sources, as PyG's `adj_t` is: a sparse tensor of
        PyTorch (COO, CSR or CSC) or torch_sparse's SparseTensor. Also returns its values, one for each edge."""
        source, destination, value, size = _entries(adjacency)
        return cls(torch.stack([source, destination]), (size[1], size[0])), value

    @classmethod
    def from_pyg(cls, data: Any) -> Graph:
        """Of a PyG `Data` or `Batch`: its `edge_index`, or its `adj_t`."""
        if getattr(data, "edge_index", None) is not None:
            return cls(data.edge_index, data.num_nodes)
        if getattr(data, "adj_t", None) is not None:
            return cls.from_adjacency(data.adj_t)[0]
        raise ValueError("data: expected a PyG Data with an edge_index or an adj_t, got one without")

    @classmethod
    def from_dgl(cls, graph: Any, etype: Any = None) -> Graph:
        """Of a DGL graph, or of one edge type of a heterograph."""
        source_type, kind, destination_type = graph.to_canonical_etype(etype or graph.etypes[0])
        source, destination = graph.edges(etype=(source_type, kind, destination_type), order="eid")
        # Both ends of a block's edges may have one type, and are two sets of nodes all the same.
        return cls(torch.stack([source, destination]),
                   (graph.num_src_nodes(source_type), graph.num_dst_nodes(destination_type)))

    @classmethod
    def _of(cls, parts: list[Tensor], edge_index: Tensor) -> Graph:
        graph = cls.__new__(cls)
        graph.parts, graph.edge_index, graph._derived = parts, edge_index, {}
        return graph


def register_tensors(kind: type, names: Callable[[Any], list[str]], make: Callable[[list[Tensor]], Any]) -> None:
    """Lets torch.compile, torch.export and DataParallel see an object as its tensors: `names` of them, as attributes or
    "attribute.index", of which `make` makes it again. And torch.load load it, as pickles check what they hold.
    """

    def get(instance: Any, name: str) -> Tensor:
        attribute, _, index = name.partition(".")
        value = getattr(instance, attribute)
        return value[int(index)] if index else value

    torch.serialization.add_safe_globals([kind])
    _pytree.register_pytree_node(
        kind,
        lambda instance: ([get(instance, name) for name in names(instance)], None),
        lambda children, _: make(list(children)),
        serialized_type_name=f"{kind.__module__}.{kind.__name__}",
        flatten_with_keys_fn=lambda instance: ([(_pytree.MappingKey(name), get(instance, name))
                                                for name in names(instance)], None),
        to_dumpable_context=lambda _: None,
        from_dumpable_context=lambda _: None,
    )


# Between the processes of one program, a loader and its workers say, parts go as they are.
ForkingPickler.register(Graph, lambda graph: (Graph._of, (graph.parts, graph.edge_index)))

# All of them: a program that was exported with one graph takes any other.
register_tensors(Graph, lambda graph: ["edge_index", *(f"all_parts.{k}" for k in range(_ALWAYS + _TABLES))],
                 lambda tensors: Graph._of(tensors[1:], tensors[0]))


def checked_edge_index(edge_index: Any) -> Tensor:
    """A plain [2, E] tensor of int32 or int64; PyG's EdgeIndex loses what it knows beside."""
    if hasattr(edge_index, "as_tensor"):
        edge_index = edge_index.as_tensor()
    if not isinstance(edge_index, Tensor):
        raise TypeError(f"edge_index: expected a tensor or a Graph, got {type(edge_index).__name__}")
    if edge_index.layout != torch.strided:
        raise TypeError("edge_index: expected [2, E] node ids, got a sparse matrix; see Graph.from_adjacency")
    if edge_index.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"edge_index: expected int64 or int32, got {edge_index.dtype}")
    if edge_index.dim() != 2 or edge_index.shape[0] != 2:
        raise ValueError(f"edge_index: expected shape [2, E], got {list(edge_index.shape)}")
    return edge_index


def _sizes(edge_index: Tensor, num_nodes: Size) -> tuple[int, int]:
    if num_nodes is None:
        num_nodes = int(edge_index.max()) + 1 if edge_index.numel() > 0 else 0
    pair = tuple(num_nodes) if isinstance(num_nodes, (tuple, list)) else (num_nodes, num_nodes)
    if len(pair) != 2:
        raise ValueError(f"num_nodes: expected a number or a pair, got {len(pair)} of them")
    if not torch.compiler.is_compiling():
        try:
            pair = tuple(map(operator.index, pair))
        except TypeError:
            raise TypeError(f"num_nodes: expected a whole number or two, got {num_nodes!r}") from None
        for count in (*pair, edge_index.shape[1]):
            if count < 0:
                raise ValueError(f"num_nodes: expected 0 or more, got {count}")
            if count > _MOST:
                raise OverflowError(f"a graph has room for {_MOST} nodes and edges, got {count}")
    return pair


def _build(edge_index: Tensor, sources: int, destinations: int) -> list[Tensor]:
    edge_index = edge_index.contiguous()
    if torch.compiler.is_compiling():
        return ops.graph_from_coo(edge_index[0], edge_index[1], sources, destinations)
    try:
        parts = ops.graph_from_coo(edge_index[0], edge_index[1], sources, destinations)
    except RuntimeError as error:
        raise _python_error(error) from None
    # Most graphs have no rows so long that they are cut, nor an order of rows: then calls are spared eight tensors.
    return parts if any(part.shape[0] > 0 for part in parts[_ALWAYS:]) else parts[:_ALWAYS]


def _python_error(error: RuntimeError) -> Exception:
    """The Python error of an error of the library: "warpgnn::operator: kind: message"."""
    words = str(error).split(": ", 2)
    if len(words) == 3 and words[0].startswith("warpgnn::") and words[1] in _ERRORS:
        return _ERRORS[words[1]](words[2].split("\n")[0])
    return error


def for_training_too(make: Callable[[], Any]) -> Any:
    """What `make()` gives and is kept: under torch.inference_mode as well, tensors that autograd may save."""
    if torch.compiler.is_compiling() or not torch.is_inference_mode_enabled():
        return make()
    with torch.inference_mode(False):
        return make()


def _whole(offsets: Tensor) -> Tensor:
    """{0, N} beside a direction of N rows."""
    return torch.tensor([0, offsets.shape[0] - 1], dtype=torch.int64, device=offsets.device)


def _with_self_loops(graph: Graph, count: int) -> SelfLoops:
    source, destination = graph.edge_index
    is_loop = source == destination
    edges, kept, last_loop = graph.edge_index, None, None
    if torch.compiler.is_compiling() or bool(is_loop.any()):
        kept = (~is_loop).nonzero().view(-1)
        edges = graph.edge_index[:, kept]
        ids = is_loop.nonzero().view(-1)
        nodes = source[ids]
        last_loop = _last_of_each(nodes, ids, graph.num_sources)
    loops = torch.arange(count, dtype=edges.dtype, device=edges.device)
    looped = Graph(torch.cat([edges, loops.expand(2, -1)], dim=1), (graph.num_sources, graph.num_destinations))
    return SelfLoops(looped, kept, last_loop)


def _last_of_each(nodes: Tensor, ids: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Nodes that occur, and the largest id beside each."""
    last = ids.new_full((count,), -1).scatter_reduce(0, nodes.long(), ids, "amax")
    present = (last >= 0).nonzero().view(-1)
    return present, last[present]


def _entries(adjacency: Any) -> tuple[Tensor, Tensor, Optional[Tensor], tuple[int, int]]:
    """Columns, rows, values and shape of a sparse matrix."""
    if isinstance(adjacency, Tensor):
        if adjacency.layout == torch.strided:
            raise TypeError("adjacency: expected a sparse matrix, got a dense tensor")
        coo = adjacency.to_sparse_coo().coalesce()
        if coo.sparse_dim() != 2:
            raise TypeError(f"adjacency: expected a matrix, got {coo.sparse_dim()} sparse dimensions")
        row, column = coo.indices()
        return column, row, coo.values(), tuple(coo.shape[:2])
    if hasattr(adjacency, "coo") and hasattr(adjacency, "sparse_sizes"):
        row, column, value = adjacency.coo()
        return column, row, value, tuple(adjacency.sparse_sizes())
    raise TypeError(f"adjacency: expected a sparse tensor, got {type(adjacency).__name__}")


# --- Graphs that layers make of what they are given -------------------------------------------------------------------

_CACHED = 16
_cache: OrderedDict[tuple, tuple] = OrderedDict()


def as_graph(edge_index: Any, num_nodes: Size, flow: str = "source_to_target") -> tuple[Graph, Optional[Tensor]]:
    """The graph of what a layer is given in an edge_index's place, and the values of a sparse matrix.

    Graphs of the last edge indices are kept as long as these live and do not change, so that the layers of a model
    share one. Not under torch.compile: give compiled models a Graph.
    """
    if isinstance(edge_index, Graph):
        return (edge_index if flow == "source_to_target" else edge_index.reversed()), None
    if hasattr(edge_index, "coo") or (isinstance(edge_index, Tensor) and edge_index.layout != torch.strided):
        graph, value = Graph.from_adjacency(edge_index)
        return (graph if flow == "source_to_target" else graph.reversed()), value
    if torch.compiler.is_compiling():
        return _oriented(edge_index, num_nodes, flow), None
    if not isinstance(edge_index, Tensor) or edge_index.is_inference():  # which does not say when it changes
        return _oriented(edge_index, num_nodes, flow), None
    key = id(edge_index), num_nodes, flow
    found = _cache.pop(key, None)
    if found is None or found[0]() is not edge_index or found[1] != _state(edge_index):
        # Of an alias: what is kept is not to keep the tensor alive whose end ends it.
        graph = _oriented(checked_edge_index(edge_index).detach(), num_nodes, flow)
        found = weakref.ref(edge_index, lambda _: _cache.pop(key, None)), _state(edge_index), graph
    _cache[key] = found
    if len(_cache) > _CACHED:
        _cache.popitem(last=False)
    return found[2], None


def _oriented(edge_index: Any, num_nodes: Size, flow: str) -> Graph:
    edge_index = checked_edge_index(edge_index)
    return Graph(edge_index if flow == "source_to_target" else edge_index.flip(0), num_nodes)


def _state(tensor: Tensor) -> tuple:
    """What changes when a tensor does."""
    return tensor._version, tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride())
