// SPDX-License-Identifier: MIT
// Every op from C and from C++, on the same numbers: the same bits, the same refusals, the same defaults.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <tuple>

#include "host/core/args.hpp"
#include "tests/c/fields.hpp"
#include "tests/c/op_cases.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/seeds.hpp"

namespace warpgnn::test {
namespace {

/// One part of a call, in both languages.
template <class Cpp>
struct Twins {
  decltype(default_of(static_cast<const Cpp*>(nullptr))) c = default_of(static_cast<const Cpp*>(nullptr));
  Cpp cpp{};

  static const char* name() { return name_of(static_cast<const Cpp*>(nullptr)); }
};

/// A tensor of each language's own, with the same content at first.
struct Buffers {
  std::vector<std::uint64_t> c, cpp;  // 8-byte units, for the alignment
};

Buffers filled(const Described& described, Rng& rng) {
  const Layout layout = contiguous_layout(described.dtype, described.shape);
  std::vector<std::uint64_t> memory(static_cast<std::size_t>(layout.count()) + 1);
  const auto put = [&]<class T>(std::int64_t element, T value) {
    std::memcpy(reinterpret_cast<char*>(memory.data()) + static_cast<std::size_t>(element) * sizeof(T), &value,
                sizeof(T));
  };
  for (std::int64_t k = 0; k < layout.count(); ++k) {
    const std::int64_t whole = described.values.empty() ? k : described.values.at(static_cast<std::size_t>(k));
    if (described.dtype == Dtype::float32) put(k, static_cast<float>(rng.real(0.1, 1)));
    if (described.dtype == Dtype::int32) put(k, static_cast<std::int32_t>(whole));
    if (described.dtype == Dtype::int64) put(k, whole);
  }
  return {memory, memory};
}

/// Contexts and graphs of both languages.
class CInterfaceTest : public ::testing::Test {
 protected:
  CInterfaceTest() {
    const CaseGraph& all = case_graph();
    const auto edges = static_cast<std::int64_t>(all.source.size()), nodes = all.offsets.back();
    const auto graphs = static_cast<std::int64_t>(all.offsets.size());
    graph_ = Graph::from_coo(context_, {view(all.source.data(), {edges}), view(all.destination.data(), {edges}), nodes,
                                        nodes, view(all.offsets.data(), {graphs})});
    warpgnn_context_create_cpu(1, &c_context_);
    warpgnn_workspace_create(&c_workspace_);
    warpgnn_edge_list list{};
    const warpgnn_device host{WARPGNN_DEVICE_TYPE_CPU, 0};
    warpgnn_contiguous_view(all.source.data(), WARPGNN_DTYPE_INT32, host, 1, &edges, &list.source);
    warpgnn_contiguous_view(all.destination.data(), WARPGNN_DTYPE_INT32, host, 1, &edges, &list.destination);
    warpgnn_contiguous_view(all.offsets.data(), WARPGNN_DTYPE_INT64, host, 1, &graphs, &list.graph_offsets);
    list.num_sources = list.num_destinations = nodes;
    EXPECT_EQ(warpgnn_graph_from_coo(c_context_, &list, &c_graph_), WARPGNN_OK) << warpgnn_last_error();
  }
  ~CInterfaceTest() override {
    warpgnn_graph_destroy(c_graph_);
    warpgnn_workspace_destroy(c_workspace_);
    warpgnn_context_destroy(c_context_);
  }

  Context context_ = Context::cpu(1);
  WorkspaceBuffer workspace_;
  Graph graph_;
  warpgnn_context* c_context_ = nullptr;
  warpgnn_workspace* c_workspace_ = nullptr;
  warpgnn_graph* c_graph_ = nullptr;
  std::set<std::string> fields_, given_;  // Struct.field
  std::set<std::string> accepted_;        // ops

  class Case;
};

/// A case's tensors, which all ops on it share: a backward reads what its forward wrote.
class CInterfaceTest::Case {
 public:
  Case(CInterfaceTest& test, const OpCaseOf& given) : test_(test), given_(given) {
    for (const auto& [name, tensor] : given.tensors) buffers_[name] = filled(tensor, rng_);
  }

  /// Gives a struct what the case has for its fields.
  template <class C, class Cpp>
  void give(C& c, Cpp& cpp) {
    give_within(name_of(&cpp), "", c, cpp);
  }

  void expect_same(const std::string& what) const {
    for (const auto& [name, buffers] : buffers_) EXPECT_EQ(buffers.c, buffers.cpp) << what << ": " << name;
  }
  std::map<std::string, Buffers> content() const { return buffers_; }

 private:
  template <class C, class Cpp>
  void give_within(const std::string& owner, const std::string& prefix, C& c, Cpp& cpp) {
    each_field(c, cpp, [&](const char* name, auto&... twins) {
      const std::string field = owner + "." + name;
      test_.fields_.insert(field);
      if (set(owner, prefix + name, twins...)) test_.given_.insert(field);
    });
  }

  const Described* described(const std::string& name) const {
    auto found = given_.tensors.find(name);
    if (found == given_.tensors.end() && name[0] == 'd') found = given_.tensors.find(name.substr(1));
    return found == given_.tensors.end() ? nullptr : &found->second;
  }

  template <class View>
  bool set_view(const std::string& name, warpgnn_view& c, View& cpp) {
    const Described* const what = described(name);
    if (what == nullptr) return false;
    if (!buffers_.contains(name)) buffers_[name] = filled(*what, rng_);
    Buffers& memory = buffers_[name];
    const Layout layout = contiguous_layout(what->dtype, what->shape);
    cpp = View(layout, memory.cpp.data());
    const warpgnn_device host{WARPGNN_DEVICE_TYPE_CPU, 0};
    EXPECT_EQ(warpgnn_contiguous_view(memory.c.data(), static_cast<int>(what->dtype), host, layout.ndim,
                                      what->shape.data(), &c),
              WARPGNN_OK);
    return true;
  }
  bool set(const std::string& /*owner*/, const std::string& name, warpgnn_view& c, TensorView& cpp) {
    return set_view(name, c, cpp);
  }
  bool set(const std::string& /*owner*/, const std::string& name, warpgnn_view& c, ConstTensorView& cpp) {
    return set_view(name, c, cpp);
  }
  bool set(const std::string& /*owner*/, const std::string& /*name*/, const warpgnn_graph*& c, Graph& cpp) {
    c = test_.c_graph_;
    cpp = test_.graph_;
    return true;
  }
  bool set(const std::string& /*owner*/, const std::string& name, warpgnn_attention_dropout& c, AttentionDropout& cpp) {
    give_within(name_of(&cpp), name + ".", c, cpp);
    return true;
  }
  template <class C, class Item>
  bool set(const std::string& /*owner*/, const std::string& name, const C*& c, std::size_t& count,
           std::span<const Item>& cpp) {
    Twins<Item>& item = std::get<Twins<Item>>(items_);
    give_within(name_of(&item.cpp), name + ".", item.c, item.cpp);
    c = &item.c;
    count = 1;
    cpp = {&item.cpp, 1};
    return true;
  }
  template <class C, class Cpp>
  bool set(const std::string& owner, const std::string& name, C& c, Cpp& cpp) {
    const auto found = given_.options.find(name);
    // An option of the problem, and not of a tensor's name in another struct.
    if (found == given_.options.end()) return false;
    c = static_cast<C>(found->second);
    cpp = static_cast<Cpp>(found->second);
    EXPECT_EQ(static_cast<double>(c), found->second) << owner << "." << name;
    return true;
  }

  CInterfaceTest& test_;
  const OpCaseOf& given_;
  Rng rng_;
  std::map<std::string, Buffers> buffers_;
  std::tuple<Twins<AdamSlot>, Twins<GatherRows>> items_;  // of spans
};

/// Calls `bad` once for each way to spoil a field of a struct of C, with the field's name; the struct is right again
/// after it.
template <class C, class Cpp, class Bad>
void spoil_each(C& c, Cpp& cpp, Bad&& bad) {
  const auto with = [&](const char* name, auto& field, auto wrong) {
    const auto right = std::exchange(field, wrong);
    bad(std::string(name));
    field = right;
  };
  const auto spoil = [&](const char* name, auto& field, auto& twin) {
    using Twin = std::remove_cvref_t<decltype(twin)>;
    if constexpr (std::is_enum_v<Twin>) {
      with(name, field, 100);
      with(name, field, -1);
    } else if constexpr (std::is_same_v<Twin, Graph>) {
      with(name, field, nullptr);
    } else if constexpr (std::is_convertible_v<Twin, ConstTensorView>) {
      if (field.ndim == 0) return;
      with(name, field.dtype, 99);
      with(name, field.ndim, WARPGNN_MAX_DIMS + 1);
      with(name, field.ndim, 0);
      with(name, field.device.type, 3);
      with(name, field.shape[0], -1);
    }
  };
  each_field(c, cpp, [&](const char* name, auto& field, auto&... twin) {
    if constexpr (sizeof...(twin) == 1) spoil(name, field, twin...);
  });
}

class CInterfaceOpsTest : public CInterfaceTest {
 protected:
  template <class... Parts, class CallC, class CallCpp, class SizeC>
  void run(const char* op, CallC call_c, CallCpp call_cpp, SizeC size_c) {
    for (Entry& entry : entries_) {
      std::tuple<Twins<Parts>...> parts;
      if (entry.given->problem != std::get<0>(parts).name()) continue;
      std::apply([&](auto&... part) { (entry.tensors.give(part.c, part.cpp), ...); }, parts);
      SCOPED_TRACE(std::string(op) + " of case " + std::to_string(&entry - entries_.data()));
      std::apply([&](auto&... part) { compare(op, entry.tensors, call_c, call_cpp, size_c, part...); }, parts);
    }
  }

  template <class CallC, class CallCpp, class SizeC, class... Part>
  void compare(const char* op, Case& tensors, CallC call_c, CallCpp call_cpp, SizeC size_c, Part&... part) {
    constexpr bool kSized = !std::is_same_v<SizeC, std::nullptr_t>;
    const auto from_c = [&](const auto*... given) {
      if constexpr (kSized) {
        return call_c(c_context_, given..., c_workspace_);
      } else {
        return call_c(c_context_, given...);
      }
    };
    const auto from_cpp = [&] {
      if constexpr (kSized) {
        call_cpp(context_, part.cpp..., workspace_);
      } else {
        call_cpp(context_, part.cpp...);
      }
    };
    std::string refusal;
    try {
      if constexpr (kSized) {
        std::size_t bytes = 0;
        EXPECT_EQ(size_c(c_context_, &part.c..., &bytes), WARPGNN_OK) << warpgnn_last_error();
        EXPECT_EQ(bytes, workspace_size(context_, part.cpp...));
        EXPECT_EQ(warpgnn_workspace_reserve(c_context_, c_workspace_, bytes), WARPGNN_OK);
        workspace_.reserve(context_, bytes);
      }
      from_cpp();
    } catch (const Error& error) {
      refusal = error.what();
    }
    const std::int64_t before = allocations();
    const warpgnn_status status = from_c(&part.c...);
    const std::int64_t from_here = allocations() - before;
    if (!refusal.empty()) {
      EXPECT_NE(status, WARPGNN_OK);
      EXPECT_EQ(warpgnn_last_error(), refusal);
    } else {
      ASSERT_EQ(status, WARPGNN_OK) << warpgnn_last_error();
      accepted_.insert(op);
      tensors.expect_same("after " + std::string(op));
      // Twice, for what C++ allocates itself at a first call, and C keeps.
      const std::int64_t start = allocations();
      from_cpp();
      const std::int64_t middle = allocations();
      from_c(&part.c...);
      EXPECT_EQ(allocations() - middle, middle - start) << from_here << " at first";
      tensors.expect_same("after " + std::string(op) + " once more");
    }
    refuses(tensors, from_c, part...);
  }

  /// Everything that C could get wrong and C++ could not.
  template <class Call, class... Part>
  void refuses(Case& tensors, Call&& from_c, Part&... part) {
    const auto before = tensors.content();
    const auto refused = [&](const std::string& name, warpgnn_status status) {
      EXPECT_EQ(status, WARPGNN_INVALID_ARGUMENT) << name;
      EXPECT_EQ(std::string(warpgnn_last_error()).rfind(name + ": ", 0), 0U) << name << " in: " << warpgnn_last_error();
    };
    (spoil_each(part.c, part.cpp, [&](const std::string& name) { refused(name, from_c(&part.c...)); }), ...);
    for (const void* missing : {static_cast<const void*>(&part.c)...}) {
      EXPECT_EQ(from_c((&part.c == missing ? nullptr : &part.c)...), WARPGNN_INVALID_ARGUMENT);
      EXPECT_NE(std::string(warpgnn_last_error()).find("null pointer"), std::string::npos);
    }
    for (const auto& [name, buffers] : tensors.content()) EXPECT_EQ(buffers.c, before.at(name).c) << name;
  }

  struct Entry {
    const OpCaseOf* given;
    Case tensors;
  };
  std::vector<Entry> entries_;
};

TEST_F(CInterfaceOpsTest, GivesTheSameBitsAndRefusesTheSame) {
  for (const OpCaseOf& given : cases_of_ops()) entries_.push_back({&given, Case(*this, given)});
  std::set<std::string> all;
#define WARPGNN_OP(name, Arguments, ...) \
  all.insert(#name);                     \
  run<__VA_ARGS__>(#name, &warpgnn_##name, &name, nullptr);
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...) \
  all.insert(#name);                                    \
  run<__VA_ARGS__>(#name, &warpgnn_##name, &name, &warpgnn_##name##_workspace_size);
#include "host/core/ops.def"
  EXPECT_EQ(accepted_, all) << "each op has to accept one of its cases";
  EXPECT_EQ(given_, fields_) << "each field has to be given in one of the cases: tests/c/op_cases.cpp";
}

TEST_F(CInterfaceTest, AllocatesTheSameResults) {
  std::set<std::string> all, compared;
  for (const OpCaseOf& given : cases_of_ops()) {
    Case tensors(*this, given);
    const auto compare = [&]<class Problem, class Result>(const Problem*, const Result*) {
      Twins<Problem> problem;
      if (given.problem != problem.name()) return;
      tensors.give(problem.c, problem.cpp);
      compared.insert(problem.name());
      for (const Purpose purpose : {Purpose::training, Purpose::inference}) {
        Twins<Result> result;
        warpgnn_owned* owner = nullptr;
        ASSERT_EQ(allocate_of(&problem.cpp)(c_context_, &problem.c, static_cast<int>(purpose), &result.c, &owner),
                  WARPGNN_OK)
            << given.problem << ": " << warpgnn_last_error();
        const Owned<Result> owned = allocate(context_, problem.cpp, purpose);
        result.cpp = owned.views();
        each_field(result.c, result.cpp, [&](const char* name, const warpgnn_view& c, const TensorView& cpp) {
          SCOPED_TRACE(given.problem + "." + name);
          EXPECT_EQ(c.ndim, cpp.ndim);
          EXPECT_EQ(c.dtype, static_cast<int>(cpp.dtype));
          EXPECT_TRUE(std::equal(c.shape, c.shape + WARPGNN_MAX_DIMS, cpp.shape.begin()));
          EXPECT_TRUE(std::equal(c.stride, c.stride + WARPGNN_MAX_DIMS, cpp.stride.begin()));
          EXPECT_EQ(c.data == nullptr, cpp.data == nullptr);
        });
        warpgnn_owned_destroy(owner);
      }
    };
#define WARPGNN_OP(...)
#define WARPGNN_RESULT(Problem, Result) \
  all.insert(#Problem);                 \
  compare(static_cast<const Problem*>(nullptr), static_cast<const Result*>(nullptr));
#include "host/core/ops.def"
  }
  EXPECT_EQ(compared, all);
}

/// Whether a struct of C says what its twin says.
struct ExpectTwins {
  std::string owner;

  void operator()(const char* name, const warpgnn_view& c, const ConstTensorView& cpp) const {
    const warpgnn_view none{};
    EXPECT_FALSE(cpp.defined()) << owner << "." << name;
    EXPECT_EQ(std::memcmp(&c, &none, sizeof none), 0) << owner << "." << name;
  }
  void operator()(const char* name, const warpgnn_graph* c, const Graph& cpp) const {
    EXPECT_TRUE(c == nullptr && !cpp.defined()) << owner << "." << name;
  }
  void operator()(const char* name, warpgnn_attention_dropout& c, AttentionDropout& cpp) const {
    each_field(c, cpp, ExpectTwins{owner + "." + name});
  }
  template <class C, class Item>
  void operator()(const char* name, const C* c, std::size_t count, std::span<const Item> cpp) const {
    EXPECT_TRUE(c == nullptr && count == 0 && cpp.empty()) << owner << "." << name;
  }
  template <class C, class Cpp>
  requires(std::is_arithmetic_v<Cpp> || std::is_enum_v<Cpp>) void operator()(const char* name, const C& c,
                                                                             const Cpp& cpp) const {
    EXPECT_EQ(static_cast<Cpp>(c), cpp) << owner << "." << name;
  }
};

TEST(CInterface, DefaultsAreThoseOfCpp) {
  int structs = 0;
  each_struct([&]<class Cpp>(Cpp cpp) {
    Twins<Cpp> twins;
    each_field(twins.c, cpp, ExpectTwins{twins.name()});
    ++structs;
  });
  EXPECT_GT(structs, 50);
}

}  // namespace
}  // namespace warpgnn::test
